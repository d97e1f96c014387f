package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ashlar-dev/ashlar/bench/rounds"
	"github.com/ashlar-dev/ashlar/patterns/outbox"
	"github.com/ashlar-dev/ashlar/patterns/outbox/pgoutbox"
)

const (
	raw           = "raw batches from memory"
	relayed       = "outbox relay"
	rawUnsynced   = "raw batches, broker does not sync"
	relayUnsynced = "outbox relay, broker does not sync"
	batch         = 1000
)

var body = []byte(fmt.Sprintf(`{"order":"o-1","note":"%0480d"}`, 0))

type rig struct {
	client   *kgo.Client
	synced   string // a topic whose broker syncs every batch to disk, as the database does
	unsynced string // and one as Kafka has it by default
	kafka    string
	db       *pgx.Conn
	box      *outbox.Outbox
	store    *pgoutbox.Store
	settings string
	messages []outbox.Message
}

func newRig(ctx context.Context, dsn string, n int) (r *rig, err error) {
	brokers := os.Getenv("ASHLAR_KAFKA")
	if brokers == "" {
		return nil, errors.New("ASHLAR_KAFKA is not set: run make servers")
	}
	name := fmt.Sprint("ashlar-bench-", time.Now().UnixNano())
	r = &rig{synced: name + "-synced", unsynced: name}
	if r.client, err = kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.RequiredAcks(kgo.AllISRAcks())); err != nil {
		return nil, err
	}
	admin := kadm.NewClient(r.client)
	if _, err := admin.CreateTopic(ctx, 3, 1, map[string]*string{"flush.messages": kadm.StringPtr("1")}, r.synced); err != nil {
		return nil, err
	}
	if _, err := admin.CreateTopic(ctx, 3, 1, nil, r.unsynced); err != nil {
		return nil, err
	}
	if v, err := admin.ApiVersions(ctx); err == nil {
		for _, b := range v.Sorted() {
			r.kafka = b.VersionGuess()
		}
	}
	if r.db, err = pgx.Connect(ctx, dsn); err != nil {
		return nil, err
	}
	if r.settings, err = rounds.Settings(ctx, r.db); err != nil {
		return nil, err
	}
	if r.box, err = outbox.New(outbox.DialectPostgreSQL, nil); err != nil {
		return nil, err
	}
	if r.store, err = pgoutbox.Open(dsn, r.box); err != nil {
		return nil, err
	}
	for i := range n {
		r.messages = append(r.messages, outbox.Message{ID: fmt.Sprintf("01931b3e-0000-7000-8000-%012d", i), Key: fmt.Append(nil, "key-", i%100), Headers: []outbox.Header{{Name: "type", Value: "order.placed"}}, Body: body})
	}
	return r, r.store.Migrate(ctx, outbox.Latest)
}

func (r *rig) close(ctx context.Context) error {
	_, err := kadm.NewClient(r.client).DeleteTopics(ctx, r.synced, r.unsynced)
	r.client.Close()
	return errors.Join(err, r.db.Close(ctx))
}

// Publish is the publisher of both rows.
func (r *rig) Publish(ctx context.Context, messages []outbox.Message) []error {
	records := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		records[i] = &kgo.Record{Topic: m.Topic, Key: m.Key, Value: m.Body, Headers: []kgo.RecordHeader{{Key: "message-id", Value: []byte(m.ID)}}}
		for _, h := range m.Headers {
			records[i].Headers = append(records[i].Headers, kgo.RecordHeader{Key: h.Name, Value: []byte(h.Value)})
		}
	}
	results := r.client.ProduceSync(ctx, records...)
	if results.FirstErr() == nil {
		return nil
	}
	// ProduceSync answers in the order of completion.
	at := make(map[*kgo.Record]int, len(records))
	for i, rec := range records {
		at[rec] = i
	}
	errs := make([]error, len(records))
	for _, res := range results {
		errs[at[res.Record]] = res.Err
	}
	return errs
}

func (r *rig) rows() []rounds.Row {
	return []rounds.Row{
		{Name: raw, Run: r.runRaw(r.synced)},
		{Name: relayed, Run: r.runRelay(r.synced)},
		{Name: rawUnsynced, Run: r.runRaw(r.unsynced)},
		{Name: relayUnsynced, Run: r.runRelay(r.unsynced)},
	}
}

type run = func(ctx context.Context, d time.Duration) (int, time.Duration, error)

// to returns the messages for a topic.
func (r *rig) to(topic string) []outbox.Message {
	for i := range r.messages {
		r.messages[i].Topic = topic
	}
	return r.messages
}

func (r *rig) runRaw(topic string) run {
	return func(ctx context.Context, _ time.Duration) (int, time.Duration, error) {
		r.to(topic)
		return r.publishAll(ctx)
	}
}

func (r *rig) publishAll(ctx context.Context) (int, time.Duration, error) {
	start := time.Now()
	for from := 0; from < len(r.messages); from += batch {
		if errs := r.Publish(ctx, r.messages[from:min(from+batch, len(r.messages))]); errs != nil {
			return 0, 0, errors.Join(errs...)
		}
	}
	return len(r.messages), time.Since(start), nil
}

func (r *rig) runRelay(topic string) run {
	return func(ctx context.Context, _ time.Duration) (int, time.Duration, error) {
		return r.relayAll(ctx, r.to(topic))
	}
}

// relayAll stages everything, then times the relay from its start until the
// broker has the last message, and checks that the table is empty then.
func (r *rig) relayAll(ctx context.Context, messages []outbox.Message) (int, time.Duration, error) {
	if err := pgx.BeginFunc(ctx, r.db, func(tx pgx.Tx) error { return pgoutbox.Stage(ctx, tx, r.box, messages...) }); err != nil {
		return 0, 0, err
	}
	if _, err := r.db.Exec(ctx, `VACUUM ANALYZE `+r.box.Table()); err != nil {
		return 0, 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan struct{})
	left := len(messages)
	var finished time.Time
	relay, err := outbox.NewRelay(r.store, outbox.PublisherFunc(func(ctx context.Context, m []outbox.Message) []error {
		errs := r.Publish(ctx, m)
		if errs == nil {
			if left -= len(m); left == 0 {
				finished = time.Now()
				close(done)
			}
		}
		return errs
	}), &outbox.RelayOptions{Batch: batch, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, 0, err
	}
	ended := make(chan error, 1)
	start := time.Now()
	go func() { ended <- relay.Run(ctx) }()
	select {
	case <-done:
	case err := <-ended:
		return 0, 0, err
	case <-time.After(time.Minute):
		return 0, 0, fmt.Errorf("%d messages are left after a minute", left)
	}
	stop()
	<-ended
	var rows int
	if err := r.db.QueryRow(context.WithoutCancel(ctx), `SELECT count(*) FROM `+r.box.Table()).Scan(&rows); err != nil {
		return 0, 0, err
	}
	if rows > 0 {
		return 0, 0, fmt.Errorf("%d rows are left in the outbox", rows)
	}
	return len(messages), finished.Sub(start), nil
}
