module github.com/ashlar-dev/ashlar

go 1.26.0

// Until the first release the modules of this repository are built together.
replace github.com/ashlar-dev/ashlar/patterns => ./patterns

require go.yaml.in/yaml/v4 v4.0.0

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.10 // indirect
	google.golang.org/protobuf v1.36.12-0.20260120151049-f2248ac996af // indirect
	istio.io/api v1.31.1 // indirect
	k8s.io/api v0.37.2 // indirect
	k8s.io/apimachinery v0.37.2 // indirect
)
