package kafkabus_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/kafkabus"
)

// fake is a broker in this process: it shows what is sent, where a real one
// would only answer.
func fake(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, []string) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, c.ListenAddrs()
}

func closing(t *testing.T, b driver.Bus) driver.Bus {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

// What is sent: acks of all, by an idempotent producer, compressed as asked for.
func TestProduceSettings(t *testing.T) {
	t.Parallel()
	// The lowest three bits of a batch's attributes, as the protocol numbers codecs.
	for compression, codec := range map[string]int16{"": 2, "snappy": 2, "none": 0, "lz4": 3, "zstd": 4} {
		t.Run("compression "+compression, func(t *testing.T) {
			t.Parallel()
			cluster, seeds := fake(t, kfake.SeedTopics(1, "t"))
			var mu sync.Mutex
			var acks []int16
			var batches [][]byte
			cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				p := r.(*kmsg.ProduceRequest)
				mu.Lock()
				defer mu.Unlock()
				acks = append(acks, p.Acks)
				for _, topic := range p.Topics {
					for _, part := range topic.Partitions {
						batches = append(batches, part.Records)
					}
				}
				return nil, nil, false
			})
			b := closing(t, kafkabus.New(seeds, &kafkabus.Options{Compression: compression, Linger: -1}))
			body := strings.Repeat("what repeats is compressed ", 100)
			answer := make(chan []error, 1)
			b.Publish(t.Context(), []driver.Record{{Topic: "t", Key: "k", Body: []byte(body)}}, func(errs []error) { answer <- errs })
			if errs := <-answer; errs != nil {
				t.Fatal(errs)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(batches) != 1 || acks[0] != -1 {
				t.Fatalf("%d batches, acks %v; want one with acks -1", len(batches), acks)
			}
			// Record batch, version 2: attributes at byte 21, producer id at byte 43.
			if got := int16(binary.BigEndian.Uint16(batches[0][21:])) & 7; got != codec {
				t.Errorf("codec %d, want %d", got, codec)
			}
			if id := int64(binary.BigEndian.Uint64(batches[0][43:])); id < 0 {
				t.Errorf("producer id %d: not idempotent", id)
			}
			if compressed := len(batches[0]) < len(body)/2; compressed != (codec != 0) {
				t.Errorf("a batch of %d bytes for a body of %d", len(batches[0]), len(body))
			}
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server, client := drivertest.Certificate(t)
	_, seeds := fake(t, kfake.TLS(server), kfake.AllowAutoTopicCreation())
	with := func(c *tls.Config) driver.Bus {
		return kafkabus.New(seeds, &kafkabus.Options{Client: []kgo.Opt{kgo.DialTLSConfig(c), kgo.RequestRetries(0), kgo.RetryTimeout(2 * time.Second)}})
	}
	drivertest.Encrypted(t, with(client), with(&tls.Config{MinVersion: tls.VersionTLS12}), false)
}

// The fake broker goes through the suite as well, for machines without Java.
func TestDriverOnFake(t *testing.T) {
	t.Parallel()
	_, seeds := fake(t, kfake.GroupMinSessionTimeout(time.Second))
	drivertest.Run(t, drivertest.Harness{
		Open: func(testing.TB) driver.Bus {
			return kafkabus.New(seeds, &kafkabus.Options{SessionTimeout: 3 * time.Second})
		},
		MaxBytes: 1<<20 + 1, AnyKey: true,
	})
}
