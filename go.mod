module github.com/ashlar-dev/ashlar

go 1.26

// Until the first release the modules of this repository are built together.
replace github.com/ashlar-dev/ashlar/patterns => ./patterns
