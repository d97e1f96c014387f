package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/natsbus"
	"github.com/ashlar-dev/ashlar/patterns/bus/natsbus/embed"
)

const child = "ASHLAR_BENCH_NATS"

// serve is the server's process, which is this program again.
func serve() {
	if os.Getenv(child) == "" {
		return
	}
	s, err := embed.Start(nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.URL())
	buf := make([]byte, 1)
	_, _ = os.Stdin.Read(buf) // ends when the parent does
	s.Close()
	os.Exit(0)
}

func natsServer() (url string, end func(), err error) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), child+"=1")
	in, err := c.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	buf := make([]byte, 200)
	n, err := out.Read(buf)
	return strings.TrimSpace(string(buf[:n])), func() { _ = in.Close(); _ = c.Wait() }, err
}

func natsPublish() (t table, end func(), err error) {
	url, stop, err := natsServer()
	if err != nil {
		return t, nil, err
	}
	topic := name("bench")
	plain, err := newBus(natsbus.New(url, nil), bus.Plain{})
	if err != nil {
		return t, stop, err
	}
	events, err := newBus(natsbus.New(url, nil), nil)
	if err != nil {
		return t, stop, err
	}
	if err := ensure(plain, topic); err != nil {
		return t, stop, err
	}
	nc, err := nats.Connect(url)
	if err != nil {
		return t, stop, err
	}
	wm, err := wmnats.NewPublisher(wmnats.PublisherConfig{URL: url, Marshaler: &wmnats.NATSMarshaler{}}, watermill.NopLogger{})
	if err != nil {
		return t, stop, err
	}
	const n = 20_000
	t = table{title: "NATS JetStream, publish (every acknowledgement after a sync to disk)", rows: []row{
		{"nats.go, atomic batches of 100", n, func(n int) (time.Duration, error) { return rawBatches(nc, topic, n) }},
		{"bus, plain", n, func(n int) (time.Duration, error) { return publishAll(plain, topic, n) }},
		{"bus, CloudEvents", n, func(n int) (time.Duration, error) { return publishAll(events, topic, n) }},
		{"watermill-nats", 200, func(n int) (time.Duration, error) {
			start := time.Now()
			for i := range n {
				if err := wm.Publish(topic, message.NewMessage(strconv.Itoa(i), body)); err != nil {
					return 0, err
				}
			}
			return time.Since(start), nil
		}},
	}, limits: []limit{{"bus, plain", "nats.go, atomic batches of 100", 0.7}, {"bus, plain", "watermill-nats", 5}}}
	return t, func() { nc.Close(); _ = wm.Close(); closeBus(plain); closeBus(events); stop() }, nil
}

// rawBatches sends batches of 100, four under way at a time, as the driver does.
func rawBatches(nc *nats.Conn, topic string, n int) (time.Duration, error) {
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox + ".*")
	if err != nil {
		return 0, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	answer := func() error {
		m, err := sub.NextMsg(10 * time.Second)
		if err != nil {
			return err
		}
		var ack struct {
			Error *struct{ Description string } `json:"error"`
			Count int                           `json:"count"`
		}
		if err := json.Unmarshal(m.Data, &ack); err != nil || ack.Error != nil {
			return fmt.Errorf("answer %s: %v", m.Data, err)
		}
		return nil
	}
	start := time.Now()
	underWay := 0
	for i := 0; i < n; i += 100 {
		id := "raw" + strconv.FormatInt(time.Now().UnixNano(), 36)
		for j := range 100 {
			m := &nats.Msg{Subject: topic + "._p." + strconv.Itoa(j%8), Data: body, Header: nats.Header{
				"Nats-Batch-Id": {id}, "Nats-Batch-Sequence": {strconv.Itoa(j + 1)}, "Ashlar-Key": {keys[(i+j)%64]}}}
			if j == 99 {
				m.Header["Nats-Batch-Commit"] = []string{"1"}
				m.Reply = inbox + ".x"
			}
			if err := nc.PublishMsg(m); err != nil {
				return 0, err
			}
		}
		if underWay++; underWay >= 4 {
			if err := answer(); err != nil {
				return 0, err
			}
			underWay--
		}
	}
	for ; underWay > 0; underWay-- {
		if err := answer(); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}
