module github.com/ashlar-dev/ashlar/patterns

go 1.26
