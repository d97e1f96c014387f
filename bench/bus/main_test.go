package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// The program starts itself as the NATS server.
func TestMain(m *testing.M) {
	serve()
	os.Exit(m.Run())
}

// Every row runs, and every limit is judged. Figures are for `make bench`: here
// others use the machine too.
func TestRowsRun(t *testing.T) {
	if *kafka == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("ASHLAR_KAFKA is not set: run make servers")
		}
		t.Skip("needs Kafka: run make servers and set ASHLAR_KAFKA")
	}
	*rounds, *scale = 1, 0.01
	var b bytes.Buffer
	if _, err := compare(&b, kafkaProduce, kafkaConsume, natsPublish); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"Kafka, produce", "Kafka, consume", "NATS JetStream, publish", "| sarama |", "| kafka-go |", "| watermill-kafka |", "| watermill-nats |",
		"bus, plain has", "bus, CloudEvents has", "twmb/franz-go v"} {
		if !strings.Contains(text, want) {
			t.Errorf("the tables lack %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "not judged") {
		t.Errorf("a limit was not judged:\n%s", text)
	}
}

// A gate that was not asked is open only where nobody relies on it.
func TestLimits(t *testing.T) {
	tb := table{limits: []limit{{"ours", "theirs", 0.5}}}
	var b bytes.Buffer
	for _, tc := range []struct {
		rates map[string][]float64
		holds bool
	}{
		{map[string][]float64{"ours": {6, 5, 1}, "theirs": {10, 10, 10}}, true},
		{map[string][]float64{"ours": {4, 6, 1}, "theirs": {10, 10, 10}}, false},
		{map[string][]float64{"ours": {6}, "theirs": nil}, false},
		{nil, false},
	} {
		if got := tb.judge(&b, tc.rates); got != tc.holds {
			t.Errorf("%v: %v", tc.rates, got)
		}
	}
}

func TestCIRefusesAMissingBroker(t *testing.T) {
	address := *kafka
	t.Cleanup(func() { *kafka = address })
	*kafka = ""
	for _, ci := range []string{"", "true"} {
		t.Setenv("CI", ci)
		var b bytes.Buffer
		held, err := compare(&b, kafkaProduce, kafkaConsume)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "ASHLAR_KAFKA is not set"); n != 2 {
			t.Errorf("CI=%q: %d tables say why they were not judged:\n%s", ci, n, b.String())
		}
		if want := ci != "true"; held != want {
			t.Errorf("CI=%q: the limits hold: %v, want %v", ci, held, want)
		}
	}
}
