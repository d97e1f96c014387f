// Package strimzi reads Strimzi's resources from documents: Kafka, KafkaNodePool,
// KafkaTopic and KafkaUser.
//
// It only reads.
package strimzi

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// ClusterLabel names the Kafka that a topic, a user or a pool is of.
const ClusterLabel = "strimzi.io/cluster"

// Object is one resource.
type Object struct {
	Kind, Namespace, Name string
	Cluster               string // of a topic, a user, a pool
	Doc                   *doc.Document
	Node                  *doc.Node

	Replicas   int           // brokers of a Kafka or a pool; 0 where it is not said
	Topic      string        // as Kafka calls it
	Partitions int           // of a topic; 0 where it is not said
	Retention  time.Duration // of a topic; 0 where it is not said, negative: for ever
	Rights     []Right       // of a user, in their order
}

// Right lets a user read or write a topic.
type Right struct {
	Topic  string
	Prefix bool // all topics whose name begins so
	Read   bool
	Write  bool
	Node   *doc.Node
}

// Read returns the resource that a document is, or nil.
func Read(d *doc.Document) *Object {
	n := d.Root
	if !strings.HasPrefix(n.Str("apiVersion"), "kafka.strimzi.io/") {
		return nil
	}
	o := &Object{Kind: n.Str("kind"), Namespace: n.Str("metadata", "namespace"), Name: n.Str("metadata", "name"), Cluster: n.Str("metadata", "labels", ClusterLabel), Doc: d, Node: n}
	spec := n.Get("spec")
	switch o.Kind {
	case "Kafka":
		o.Replicas = number(spec.Find("kafka", "replicas"))
	case "KafkaNodePool":
		if roles := spec.Get("roles"); roles == nil || slices.ContainsFunc(roles.Items, func(r *doc.Node) bool { return r.Text == "broker" }) {
			o.Replicas = number(spec.Get("replicas"))
		}
	case "KafkaTopic":
		o.Topic = spec.Str("topicName")
		if o.Topic == "" {
			o.Topic = o.Name
		}
		o.Partitions = number(spec.Get("partitions"))
		if ms, err := strconv.ParseInt(spec.Str("config", "retention.ms"), 10, 64); err == nil && ms < int64(1<<63-1)/int64(time.Millisecond) {
			o.Retention = time.Duration(max(ms, -1)) * time.Millisecond
		}
	case "KafkaUser":
		if acls := spec.Find("authorization", "acls"); acls != nil {
			for _, a := range acls.Items {
				o.right(a)
			}
		}
	default:
		return nil
	}
	return o
}

func (o *Object) right(a *doc.Node) {
	if a.Str("resource", "type") != "topic" || a.Str("type") == "deny" {
		return
	}
	r := Right{Topic: a.Str("resource", "name"), Prefix: a.Str("resource", "patternType") == "prefix", Node: a}
	ops := []string{a.Str("operation")}
	if l := a.Get("operations"); l != nil {
		for _, x := range l.Items {
			ops = append(ops, x.Text)
		}
	}
	r.Read = slices.Contains(ops, "Read") || slices.Contains(ops, "All")
	r.Write = slices.Contains(ops, "Write") || slices.Contains(ops, "All")
	if r.Topic != "" && (r.Read || r.Write) {
		o.Rights = append(o.Rights, r)
	}
}

func number(n *doc.Node) int {
	if n == nil {
		return 0
	}
	v, err := strconv.Atoi(n.Text)
	if err != nil || v < 0 {
		return 0
	}
	return v
}

// String names the object for people: "KafkaTopic shop/orders".
func (o *Object) String() string {
	return o.Kind + " " + strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")
}
