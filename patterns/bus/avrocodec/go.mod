module github.com/ashlar-dev/ashlar/patterns/bus/avrocodec

go 1.26.0

replace github.com/ashlar-dev/ashlar/patterns => ../../

require (
	github.com/ashlar-dev/ashlar/patterns v0.0.0
	github.com/twmb/avro v1.9.0
	go.uber.org/goleak v1.3.0
)

require github.com/google/jsonschema-go v0.4.3 // indirect
