package kafkabus_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/kafkabus"
	"github.com/ashlar-dev/ashlar/patterns/internal/crashtest"
)

// What the transformer that a test kills works on: seed, id, in, out.
const transformVariable = "ASHLAR_TEST_TRANSFORM"

// transform copies each record, and says so of every hundredth, so that the
// test knows when a batch is half done.
func transformRole(ctx context.Context) error {
	a := strings.Fields(os.Getenv(transformVariable))
	seed, id, in, out := a[0], a[1], a[2], a[3]
	seen := 0
	return kafkabus.Transform(ctx, []string{seed}, transformOptions, id, id, []string{in}, func(_ context.Context, d *driver.Delivery) ([]driver.Record, error) {
		if seen++; seen%100 == 50 {
			fmt.Println("at", string(d.Body))
		}
		return []driver.Record{{Topic: out, Key: d.Key, Body: d.Body}}, nil
	})
}

var transformOptions = &kafkabus.Options{SessionTimeout: 1500 * time.Millisecond}

// A transformer that is killed again and again in the middle of its batches makes
// every output once, in the order of the inputs.
func TestTransformKilled(t *testing.T) {
	t.Parallel()
	seed := drivertest.Need(t, "ASHLAR_KAFKA")
	b := closing(t, open(seed))
	kills := drivertest.Count(3, 200)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(kills)*5*time.Second)
	defer cancel()
	in, out, id := drivertest.Name("in"), drivertest.Name("out"), drivertest.Name("tx")
	if err := b.Ensure(ctx, []driver.Topic{{Name: in, Partitions: 1}, {Name: out, Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	const most = 13 // hundreds that one life gets to: the first ends amid its first batch of 500, others amid a later one
	n := kills * most * 100
	records := make([]driver.Record, n)
	for i := range records {
		records[i] = driver.Record{Topic: in, Key: "k", Body: []byte(strconv.Itoa(i))}
	}
	answer := make(chan []error, 1)
	b.Publish(ctx, records, func(errs []error) { answer <- errs })
	if errs := <-answer; errs != nil {
		t.Fatal(errs)
	}
	for i := range kills {
		hundreds := make(chan string, n/100)
		p := crashtest.StartTelling(t, "transform", func(line string) { hundreds <- line }, transformVariable+"="+strings.Join([]string{seed, id, in, out}, " "))
		for range i*5%most + 1 {
			select {
			case <-hundreds:
			case <-p.Done():
				t.Fatalf("life %d ended by itself: %v %s", i, p.Wait(), p.Output())
			case <-ctx.Done():
				t.Fatalf("life %d: %v; it says %s", i, ctx.Err(), p.Output())
			}
		}
		p.Kill()
	}
	tctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- kafkabus.Transform(tctx, []string{seed}, transformOptions, id, id, []string{in}, func(_ context.Context, d *driver.Delivery) ([]driver.Record, error) {
			return []driver.Record{{Topic: out, Key: d.Key, Body: d.Body}}, nil
		})
	}()
	for want := 0; want < n; {
		want = 0
		err := b.Scan(ctx, out, nil, func(d *driver.Delivery) bool {
			if string(d.Body) != strconv.Itoa(want) {
				t.Errorf("output %d is %s: doubled, lost or out of order", want, d.Body)
				return false
			}
			want++
			return true
		})
		if err != nil || t.Failed() {
			t.Fatalf("after %d outputs: %v", want, err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%d outputs of %d", want, n)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Transform after its context ended: %v", err)
	}
}
