package drivertest

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Announce says in one line which broker the tests of a driver are held to; a
// driver's TestMain calls it. `go test` shows the line for a package that is
// tested alone; since it keeps silent about packages that pass in a list, the
// line is also added to the file that ASHLAR_BROKERS names, if any.
//
// variable is the environment variable that says where the broker is, "" when
// there is no need of one. A broker that does not answer is said, too; the tests
// will fail of it.
func Announce(name, variable string, open func(address string) driver.Bus) {
	line := name + ": " + broker(variable, open) + "\n"
	_, _ = io.WriteString(os.Stdout, line) // nothing depends on it
	if file := os.Getenv("ASHLAR_BROKERS"); file != "" {
		if err := appendTo(file, line); err != nil {
			fmt.Fprintln(os.Stderr, "ASHLAR_BROKERS:", err)
		}
	}
}

func broker(variable string, open func(string) driver.Bus) string {
	address := os.Getenv(variable)
	if variable != "" && address == "" {
		return "no broker, " + variable + " is not set (make servers)"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	b := open(address)
	d, err := b.Describe(ctx)
	if cerr := b.Close(ctx); err == nil {
		err = cerr
	}
	if err != nil {
		return "the broker does not answer: " + err.Error()
	}
	return d.Product + " " + d.Version
}

func appendTo(file, line string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line) // one write, so that packages that run at once don't mix
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
