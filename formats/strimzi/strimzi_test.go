package strimzi_test

import (
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/strimzi"
)

const resources = `apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaTopic
metadata: {name: orders, labels: {strimzi.io/cluster: main}}
spec: {topicName: shop.orders, partitions: 12, config: {retention.ms: 7200000}}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaUser
metadata: {name: order}
spec:
  authorization:
    acls:
    - {resource: {type: topic, name: shop.orders, patternType: literal}, operations: [Describe, Write]}
    - {resource: {type: topic, name: shop., patternType: prefix}, operation: Read}
    - {resource: {type: group, name: g}, operations: [Read]}
    - {resource: {type: topic, name: no}, type: deny, operations: [All]}
`

func TestRead(t *testing.T) {
	t.Parallel()
	docs := doc.Read("k.yaml", []byte(resources), nil).Docs
	o := strimzi.Read(docs[0])
	if o.Topic != "shop.orders" || o.Partitions != 12 || o.Retention != 2*time.Hour || o.Cluster != "main" {
		t.Errorf("%+v", o)
	}
	u := strimzi.Read(docs[1])
	if len(u.Rights) != 2 || !u.Rights[0].Write || u.Rights[0].Read || !u.Rights[1].Prefix || !u.Rights[1].Read {
		t.Errorf("%+v", u.Rights)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(resources))
	f.Add([]byte("apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nspec: {kafka: {replicas: 3}}"))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			_ = strimzi.Read(d)
		}
	})
}
