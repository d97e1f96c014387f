package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	wmkafka "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/kafkabus"
)

var (
	body = func() []byte { // does not compress: what a broker moves is what the row says
		b := make([]byte, 200)
		_, _ = rand.Read(b) // never fails
		return b
	}()
	keys = func() (ks [64]string) {
		for i := range ks {
			ks[i] = "key-" + strconv.Itoa(i)
		}
		return ks
	}()
)

func name(prefix string) string { return prefix + "-" + strconv.FormatInt(time.Now().UnixNano(), 36) }

func newBus(d driver.Bus, m bus.Mapping) (*bus.Bus, error) {
	return bus.New(d, &bus.Options{Mapping: m, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

func kafkaBus(m bus.Mapping) (*bus.Bus, error) { return newBus(kafkabus.New([]string{*kafka}, nil), m) }

func ensure(b *bus.Bus, topic string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return b.Ensure(ctx, driver.Topic{Name: topic, Partitions: 8})
}

// publishAll publishes in calls of 100, without waiting for one before the next.
func publishAll(b *bus.Bus, topic string, n int) (time.Duration, error) {
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	start := time.Now()
	for i := 0; i < n; i += 100 {
		events := make([]bus.Event, min(100, n-i))
		for j := range events {
			events[j] = bus.Event{Topic: topic, Key: keys[(i+j)%64], Type: "bench", Data: body}
		}
		wg.Add(1)
		b.PublishAsync(context.Background(), events, func(err error) {
			if err != nil {
				failed.Store(&err)
			}
			wg.Done()
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return time.Since(start), nil
}

// rawProducer has the settings of the bus's: a larger buffer than by default.
func rawProducer() (*kgo.Client, error) {
	return kgo.NewClient(kgo.SeedBrokers(*kafka), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.MaxBufferedRecords(100_000), kgo.MaxBufferedBytes(64<<20))
}

// eventHeaders are what a CloudEvent needs, made by hand: its id, time and facts.
func eventHeaders() []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte(uuid.Must(uuid.NewV7()).String())},
		{Key: "ce_source", Value: []byte("urn:ashlar:bus")}, {Key: "ce_type", Value: []byte("bench")},
		{Key: "ce_time", Value: time.Now().UTC().AppendFormat(nil, time.RFC3339Nano)}, {Key: "content-type", Value: []byte("application/json")},
	}
}

func rawProduce(cl *kgo.Client, topic string, n int, events bool) (time.Duration, error) {
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	start := time.Now()
	wg.Add(n)
	for i := range n {
		var headers []kgo.RecordHeader
		if events {
			headers = eventHeaders()
		}
		cl.Produce(context.Background(), &kgo.Record{Topic: topic, Key: []byte(keys[i%64]), Value: body, Headers: headers}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Store(&err)
			}
			wg.Done()
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return time.Since(start), nil
}

func kafkaProduce() (t table, end func(), err error) {
	t.title = "Kafka, produce (acks all, snappy)"
	if *kafka == "" {
		return t, nil, nil
	}
	topic := name("bench-produce")
	plain, err := kafkaBus(bus.Plain{})
	if err != nil {
		return t, nil, err
	}
	events, err := kafkaBus(nil)
	if err != nil {
		return t, nil, err
	}
	if err := ensure(plain, topic); err != nil {
		return t, nil, err
	}
	raw, err := rawProducer()
	if err != nil {
		return t, nil, err
	}
	wm, err := wmkafka.NewPublisher(wmkafka.PublisherConfig{Brokers: []string{*kafka}, Marshaler: wmkafka.DefaultMarshaler{}}, watermill.NopLogger{})
	if err != nil {
		return t, nil, err
	}
	cfg := sarama.NewConfig()
	cfg.Producer.RequiredAcks, cfg.Producer.Return.Successes, cfg.Producer.Compression = sarama.WaitForAll, true, sarama.CompressionSnappy
	sp, err := sarama.NewAsyncProducer([]string{*kafka}, cfg)
	if err != nil {
		return t, nil, err
	}
	kw := &kafkago.Writer{Addr: kafkago.TCP(*kafka), Topic: topic, RequiredAcks: kafkago.RequireAll, Compression: kafkago.Snappy, Balancer: &kafkago.Hash{}, BatchTimeout: time.Millisecond, BatchSize: 1000}
	const n = 200_000
	t = table{title: t.title, rows: []row{
		{"franz-go", n, func(n int) (time.Duration, error) { return rawProduce(raw, topic, n, false) }},
		{"bus, plain", n, func(n int) (time.Duration, error) { return publishAll(plain, topic, n) }},
		{"franz-go, CloudEvents headers", n, func(n int) (time.Duration, error) { return rawProduce(raw, topic, n, true) }},
		{"bus, CloudEvents", n, func(n int) (time.Duration, error) { return publishAll(events, topic, n) }},
		{"sarama", n, func(n int) (time.Duration, error) { return saramaProduce(sp, topic, n) }},
		{"kafka-go", n, func(n int) (time.Duration, error) { return kafkagoProduce(kw, n) }},
		{"watermill-kafka", 500, func(n int) (time.Duration, error) {
			start := time.Now()
			for i := range n {
				if err := wm.Publish(topic, message.NewMessage(strconv.Itoa(i), body)); err != nil {
					return 0, err
				}
			}
			return time.Since(start), nil
		}},
	}, limits: []limit{{"bus, plain", "franz-go", 0.9}, {"bus, CloudEvents", "franz-go, CloudEvents headers", 0.9}, {"bus, plain", "sarama", 1}, {"bus, plain", "kafka-go", 1}}}
	return t, func() {
		raw.Close()
		_ = sp.Close()
		_ = kw.Close()
		_ = wm.Close()
		closeBus(plain)
		closeBus(events)
	}, nil
}

func closeBus(b *bus.Bus) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = b.Close(ctx) // the figures are taken
}

func saramaProduce(p sarama.AsyncProducer, topic string, n int) (time.Duration, error) {
	start := time.Now()
	done := make(chan error, 1)
	go func() {
		for range n {
			select {
			case <-p.Successes():
			case err := <-p.Errors():
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i := range n {
		p.Input() <- &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(keys[i%64]), Value: sarama.ByteEncoder(body)}
	}
	err := <-done
	return time.Since(start), err
}

func kafkagoProduce(w *kafkago.Writer, n int) (time.Duration, error) {
	start := time.Now()
	for i := 0; i < n; i += 10_000 {
		ms := make([]kafkago.Message, min(10_000, n-i))
		for j := range ms {
			ms[j] = kafkago.Message{Key: []byte(keys[(i+j)%64]), Value: body}
		}
		if err := w.WriteMessages(context.Background(), ms...); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// meter measures from the start of a consumer of a new group, joining included,
// to the n-th record.
type meter struct {
	n     int64
	seen  atomic.Int64
	start time.Time
	done  chan time.Duration
}

func newMeter(n int) *meter {
	return &meter{n: int64(n), start: time.Now(), done: make(chan time.Duration, 1)}
}

func (m *meter) add(k int64) {
	total := m.seen.Add(k)
	if total >= m.n && total-k < m.n {
		m.done <- time.Since(m.start)
	}
}

func (m *meter) wait() (time.Duration, error) {
	select {
	case d := <-m.done:
		return d, nil
	case <-time.After(2 * time.Minute):
		return 0, fmt.Errorf("%d of %d records came within two minutes", m.seen.Load(), m.n)
	}
}

func kafkaConsume() (t table, end func(), err error) {
	t.title = "Kafka, consume (a new group reads the topic from its beginning, joining included)"
	if *kafka == "" {
		return t, nil, nil
	}
	topic, ceTopic := name("bench-consume"), name("bench-consume-ce")
	plain, err := kafkaBus(bus.Plain{})
	if err != nil {
		return t, nil, err
	}
	events, err := kafkaBus(nil)
	if err != nil {
		return t, nil, err
	}
	const n = 600_000
	total := max(1000, int(n**scale)+1000)
	for _, p := range []struct {
		b     *bus.Bus
		topic string
	}{{plain, topic}, {events, ceTopic}} {
		if err := ensure(p.b, p.topic); err != nil {
			return t, nil, err
		}
		if _, err := publishAll(p.b, p.topic, total); err != nil {
			return t, nil, err
		}
	}
	t = table{title: t.title, rows: []row{
		{"franz-go", n, func(n int) (time.Duration, error) { return rawConsume(topic, n) }},
		{"bus, plain", n, func(n int) (time.Duration, error) { return busConsume(plain, topic, n) }},
		{"franz-go, CloudEvents headers", n, func(n int) (time.Duration, error) { return rawConsume(ceTopic, n) }},
		{"bus, CloudEvents", n, func(n int) (time.Duration, error) { return busConsume(events, ceTopic, n) }},
		{"sarama", n, func(n int) (time.Duration, error) { return saramaConsume(topic, n) }},
		{"kafka-go", n / 3, func(n int) (time.Duration, error) { return kafkagoConsume(topic, n) }},
		{"watermill-kafka", n / 10, func(n int) (time.Duration, error) { return watermillConsume(topic, n) }},
	}, limits: []limit{{"bus, plain", "franz-go", 0.5}, {"bus, CloudEvents", "franz-go, CloudEvents headers", 0.5}, {"bus, plain", "watermill-kafka", 2}, {"bus, plain", "sarama", 1}, {"bus, plain", "kafka-go", 1}}}
	return t, func() { closeBus(plain); closeBus(events) }, nil
}

// Every consumer does what the bus's does: it commits each tenth of a second,
// counts a record as done after its effect, reads only what was committed, and
// asks for at most 1 MiB of a partition at a time, which is the clients' default.
const commitEvery = driver.CommitEvery / 2

func rawConsume(topic string, n int) (time.Duration, error) {
	m := newMeter(n)
	cl, err := kgo.NewClient(kgo.SeedBrokers(*kafka), kgo.ConsumerGroup(name("g")), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitInterval(commitEvery), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	for int(m.seen.Load()) < n {
		f := cl.PollFetches(context.Background())
		if err := f.Err0(); err != nil {
			return 0, err
		}
		f.EachRecord(func(r *kgo.Record) { _ = r.Value; m.add(1) })
	}
	return m.wait()
}

func busConsume(b *bus.Bus, topic string, n int) (time.Duration, error) {
	m := newMeter(n)
	c, err := b.Subscribe(context.Background(), bus.Subscription{Topics: []string{topic}, Group: name("g"), Start: driver.Earliest, DeadLetters: bus.NoDeadLetters},
		func(context.Context, bus.Event) error {
			m.add(1)
			return nil
		})
	if err != nil {
		return 0, err
	}
	d, err := m.wait()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = c.Close(ctx) // the figure is taken
	return d, err
}

type saramaHandler struct{ m *meter }

func (saramaHandler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (saramaHandler) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (h saramaHandler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for {
		select {
		case msg, ok := <-c.Messages():
			if !ok {
				return nil
			}
			s.MarkMessage(msg, "")
			h.m.add(1)
		case <-s.Context().Done():
			return nil
		}
	}
}

func saramaConfig() *sarama.Config {
	cfg := sarama.NewConfig()
	cfg.Consumer.Offsets.Initial, cfg.Consumer.IsolationLevel = sarama.OffsetOldest, sarama.ReadCommitted
	cfg.Consumer.Offsets.AutoCommit.Interval = commitEvery
	return cfg
}

func saramaConsume(topic string, n int) (time.Duration, error) {
	m := newMeter(n)
	g, err := sarama.NewConsumerGroup([]string{*kafka}, name("g"), saramaConfig())
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = g.Consume(ctx, []string{topic}, saramaHandler{m}) }() // ends with ctx
	d, err := m.wait()
	cancel()
	<-ended
	_ = g.Close()
	return d, err
}

func kafkagoConsume(topic string, n int) (time.Duration, error) {
	m := newMeter(n)
	r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: []string{*kafka}, GroupID: name("g"), Topic: topic, StartOffset: kafkago.FirstOffset,
		CommitInterval: commitEvery, MaxBytes: 10 << 20, IsolationLevel: kafkago.ReadCommitted})
	defer r.Close()
	for range n {
		msg, err := r.FetchMessage(context.Background())
		if err == nil {
			err = r.CommitMessages(context.Background(), msg)
		}
		if err != nil {
			return 0, err
		}
		m.add(1)
	}
	return m.wait()
}

func watermillConsume(topic string, n int) (time.Duration, error) {
	m := newMeter(n)
	s, err := wmkafka.NewSubscriber(wmkafka.SubscriberConfig{Brokers: []string{*kafka}, Unmarshaler: wmkafka.DefaultMarshaler{}, ConsumerGroup: name("g"), OverwriteSaramaConfig: saramaConfig()}, watermill.NopLogger{})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in, err := s.Subscribe(ctx, topic)
	if err != nil {
		return 0, err
	}
	for range n {
		msg := <-in
		msg.Ack()
		m.add(1)
	}
	return m.wait()
}
