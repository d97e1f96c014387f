package kafkabus_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/kafkabus"
)

// A transformer that fails in the middle of a batch leaves no output of it that
// is committed; its successor makes each output once.
func TestTransformOnce(t *testing.T) {
	t.Parallel()
	seed := drivertest.Need(t, "ASHLAR_KAFKA")
	b := open(seed)
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
	defer cancel()
	in, out, id := drivertest.Name("in"), drivertest.Name("out"), drivertest.Name("tx")
	if err := b.Ensure(ctx, []driver.Topic{{Name: in, Partitions: 1}, {Name: out, Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	const n = 200
	records := make([]driver.Record, n)
	for i := range records {
		records[i] = driver.Record{Topic: in, Key: "k", Body: []byte(strconv.Itoa(i))}
	}
	answer := make(chan []error, 1)
	b.Publish(ctx, records, func(errs []error) { answer <- errs })
	if errs := <-answer; errs != nil {
		t.Fatal(errs)
	}
	broken := errors.New("broken")
	o := &kafkabus.Options{SessionTimeout: 3 * time.Second}
	err := kafkabus.Transform(ctx, []string{seed}, o, id, id, []string{in}, func(_ context.Context, d *driver.Delivery) ([]driver.Record, error) {
		if string(d.Body) == "120" {
			return nil, broken
		}
		return []driver.Record{{Topic: out, Key: d.Key, Body: d.Body}}, nil
	})
	if !errors.Is(err, broken) {
		t.Fatalf("Transform = %v", err)
	}
	tctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	seen := make(chan struct{}, n)
	go func() {
		done <- kafkabus.Transform(tctx, []string{seed}, o, id, id, []string{in}, func(_ context.Context, d *driver.Delivery) ([]driver.Record, error) {
			if string(d.Body) == strconv.Itoa(n-1) {
				seen <- struct{}{}
			}
			return []driver.Record{{Topic: out, Key: d.Key, Body: d.Body}}, nil
		})
	}()
	<-seen
	for deadline := time.Now().Add(20 * time.Second); ; {
		got := map[string]int{}
		if err := b.Scan(ctx, out, nil, func(d *driver.Delivery) bool { got[string(d.Body)]++; return true }); err != nil {
			t.Fatal(err)
		}
		twice := 0
		for _, k := range got {
			if k > 1 {
				twice++
			}
		}
		if twice > 0 {
			t.Fatalf("%d outputs came twice", twice)
		}
		if len(got) == n {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d outputs of %d", len(got), n)
		}
		<-time.After(50 * time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("Transform after its context ended: %v", err)
	}
}
