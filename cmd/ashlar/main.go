// Command ashlar is a microservices architect that you can run.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ashlar-dev/ashlar/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Do(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
