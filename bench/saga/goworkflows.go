package main

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cschleiden/go-workflows/backend"
	"github.com/cschleiden/go-workflows/backend/sqlite"
	"github.com/cschleiden/go-workflows/client"
	"github.com/cschleiden/go-workflows/worker"
	"github.com/cschleiden/go-workflows/workflow"
)

func gwActivity(context.Context) (receipt, error) { return receipt{"number 17"}, nil }

func gwWorkflow(ctx workflow.Context, _ order) (receipt, error) {
	var r receipt
	for range 3 {
		var err error
		if r, err = workflow.ExecuteActivity[receipt](ctx, workflow.DefaultActivityOptions, gwActivity).Get(ctx); err != nil {
			return r, err
		}
	}
	return r, nil
}

func goWorkflows() contender {
	return contender{name: "go-workflows", store: "sqlite", slow: true, open: func(ctx context.Context, e *env) (func(context.Context, string) error, func(), string, error) {
		b := sqlite.NewSqliteBackend(filepath.Join(e.dir, "gw.db"), sqlite.WithBackendOptions(backend.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))))
		wctx, cancel := context.WithCancel(ctx)
		w := worker.New(b, &worker.Options{
			WorkflowWorkerOptions: worker.WorkflowWorkerOptions{WorkflowPollers: 2, MaxParallelWorkflowTasks: 64, WorkflowPollingInterval: 10 * time.Millisecond, WorkflowHeartbeatInterval: 25 * time.Second, WorkflowExecutorCacheSize: 1000, WorkflowExecutorCacheTTL: time.Minute},
			ActivityWorkerOptions: worker.ActivityWorkerOptions{ActivityPollers: 2, MaxParallelActivityTasks: 64, ActivityPollingInterval: 10 * time.Millisecond, ActivityHeartbeatInterval: 25 * time.Second},
		})
		if err := w.RegisterWorkflow(gwWorkflow); err != nil {
			cancel()
			return nil, nil, "", err
		}
		if err := w.RegisterActivity(gwActivity); err != nil {
			cancel()
			return nil, nil, "", err
		}
		if err := w.Start(wctx); err != nil {
			cancel()
			return nil, nil, "", err
		}
		c := client.New(b)
		return func(ctx context.Context, id string) error {
			i, err := c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: id}, gwWorkflow, order{Item: "pen", Cents: 100})
			if err != nil {
				return err
			}
			_, err = client.GetWorkflowResult[receipt](ctx, c, i, time.Minute)
			return err
		}, func() { cancel(); _ = w.WaitForCompletion(); _ = b.Close() }, "go-workflows 1.2.0, modernc.org/sqlite, WAL, synchronous=FULL (the driver's default), polls every 10 ms", nil
	}}
}
