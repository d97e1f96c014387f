module github.com/ashlar-dev/ashlar/bench

go 1.26

replace (
	github.com/ashlar-dev/ashlar => ../
	github.com/ashlar-dev/ashlar/patterns => ../patterns
)
