module github.com/ashlar-dev/ashlar

go 1.26

// Until the first release the modules of this repository are built together.
replace github.com/ashlar-dev/ashlar/patterns => ./patterns

require (
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.2
	go.yaml.in/yaml/v4 v4.0.0
)

require golang.org/x/text v0.14.0 // indirect
