package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	tlog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

func tActivity(context.Context) (receipt, error) { return receipt{"number 17"}, nil }

func tWorkflow(ctx workflow.Context, _ order) (receipt, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 30 * time.Second})
	var r receipt
	for range 3 {
		if err := workflow.ExecuteActivity(ctx, tActivity).Get(ctx, &r); err != nil {
			return r, err
		}
	}
	return r, nil
}

func temporalDev() contender {
	return contender{name: "temporal-dev", store: "sqlite", slow: true, open: func(ctx context.Context, e *env) (func(context.Context, string) error, func(), string, error) {
		port, err := freePort()
		if err != nil {
			return nil, nil, "", err
		}
		version, err := exec.CommandContext(ctx, e.temporal, "--version").Output()
		if err != nil {
			return nil, nil, "", err
		}
		cmd := exec.CommandContext(ctx, e.temporal, "server", "start-dev", "--headless", "--port", strconv.Itoa(port), "--db-filename", filepath.Join(e.dir, "temporal.db"), "--log-level", "error")
		if cmd.Stdout, err = os.Create(filepath.Join(e.dir, "temporal.log")); err != nil {
			return nil, nil, "", err
		}
		cmd.Stderr = cmd.Stdout
		if err := cmd.Start(); err != nil {
			return nil, nil, "", err
		}
		stop := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
		var c client.Client
		for range 60 { // it takes some seconds to answer
			if c, err = client.DialContext(ctx, client.Options{HostPort: fmt.Sprintf("127.0.0.1:%d", port), Logger: tlog.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))}); err == nil {
				break
			}
			time.Sleep(500 * time.Millisecond)
		}
		if err != nil {
			stop()
			return nil, nil, "", err
		}
		w := worker.New(c, "bench", worker.Options{MaxConcurrentWorkflowTaskPollers: 8, MaxConcurrentActivityTaskPollers: 8})
		w.RegisterWorkflow(tWorkflow)
		w.RegisterActivity(tActivity)
		if err := w.Start(); err != nil {
			stop()
			return nil, nil, "", err
		}
		return func(ctx context.Context, id string) error {
			r, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: "bench"}, tWorkflow, order{Item: "pen", Cents: 100})
			if err != nil {
				return err
			}
			var out receipt
			return r.Get(ctx, &out)
		}, func() { w.Stop(); c.Close(); stop() }, strings.TrimSpace(string(version)) + ", dev server with a SQLite file; its own CPU is not counted", nil
	}}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
