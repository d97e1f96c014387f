module github.com/ashlar-dev/ashlar

go 1.26

// Until the first release the modules of this repository are built together.
replace github.com/ashlar-dev/ashlar/patterns => ./patterns

require go.yaml.in/yaml/v4 v4.0.0
