// Package prometheus reads Prometheus's configuration, its rule files (as files
// and as PrometheusRule resources) and Alertmanager's configuration, with the
// place of every part, and checks what the programs themselves refuse: jobs of one
// name, a scrape that may take longer than its interval, rules that are neither
// alert nor record, routes to receivers that there are not.
//
// Expressions are not parsed: [Rule.Matchers] and [Rule.Metrics] find what they
// ask for by their form.
package prometheus

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// What Prometheus does where the configuration says nothing. Source: its
// documentation, Configuration.
const (
	DefaultInterval = Duration(60_000_000_000) // scrape and evaluation interval
	DefaultTimeout  = Duration(10_000_000_000) // of a scrape
	DefaultPath     = "/metrics"
)

// Config is prometheus.yml.
type Config struct {
	Global      Global        `json:"global"`
	RuleFiles   []string      `json:"rule_files"` // patterns
	ScrapeFiles []string      `json:"scrape_config_files"`
	Scrapes     []Scrape      `json:"scrape_configs"`
	Alerting    *Alerting     `json:"alerting"`
	RemoteWrite []*Remote     `json:"remote_write"`
	RemoteRead  []*Remote     `json:"remote_read"`
	Runtime     *doc.Node     `json:"runtime"`
	Storage     *doc.Node     `json:"storage"`
	Tracing     *doc.Node     `json:"tracing"`
	OTLP        *doc.Node     `json:"otlp"` // it takes metrics that are pushed
	Doc         *doc.Document `json:"-"`
	Node        *doc.Node     `json:"-"`
	Faults      []*doc.Fault  `json:"-"`
}

// Global holds for all jobs that say nothing else.
type Global struct {
	ScrapeInterval Duration          `json:"scrape_interval"`
	ScrapeTimeout  Duration          `json:"scrape_timeout"`
	Evaluation     Duration          `json:"evaluation_interval"`
	QueryOffset    Duration          `json:"rule_query_offset"`
	Labels         map[string]string `json:"external_labels"`
	QueryLog       string            `json:"query_log_file"`
	limits
}

// limits are settings that say nothing about who is measured.
type limits struct {
	FailureLog    *doc.Node `json:"scrape_failure_log_file"`
	Protocols     *doc.Node `json:"scrape_protocols"`
	BodySize      *doc.Node `json:"body_size_limit"`
	Samples       *doc.Node `json:"sample_limit"`
	Targets       *doc.Node `json:"target_limit"`
	LabelCount    *doc.Node `json:"label_limit"`
	NameLength    *doc.Node `json:"label_name_length_limit"`
	ValueLength   *doc.Node `json:"label_value_length_limit"`
	KeepDropped   *doc.Node `json:"keep_dropped_targets"`
	Validation    *doc.Node `json:"metric_name_validation_scheme"`
	Escaping      *doc.Node `json:"metric_name_escaping_scheme"`
	Histograms    *doc.Node `json:"scrape_native_histograms"`
	Convert       *doc.Node `json:"convert_classic_histograms_to_nhcb"`
	AlwaysClassic *doc.Node `json:"always_scrape_classic_histograms"`
	Classic       *doc.Node `json:"scrape_classic_histograms"`
	Extra         *doc.Node `json:"extra_scrape_metrics"`
}

// client is how a program reaches others.
type client struct {
	BasicAuth     *doc.Node `json:"basic_auth"`
	Authorization *doc.Node `json:"authorization"`
	OAuth2        *doc.Node `json:"oauth2"`
	Token         *doc.Node `json:"bearer_token"`
	TokenFile     *doc.Node `json:"bearer_token_file"`
	TLS           *doc.Node `json:"tls_config"`
	Follow        *doc.Node `json:"follow_redirects"`
	HTTP2         *doc.Node `json:"enable_http2"`
	Headers       *doc.Node `json:"http_headers"`
	Proxy         *doc.Node `json:"proxy_url"`
	NoProxy       *doc.Node `json:"no_proxy"`
	ProxyEnv      *doc.Node `json:"proxy_from_environment"`
	ProxyHeader   *doc.Node `json:"proxy_connect_header"`
}

// Scrape is a job: targets that are asked for metrics.
type Scrape struct {
	Job         string    `json:"job_name"`
	Interval    Duration  `json:"scrape_interval"`
	Timeout     Duration  `json:"scrape_timeout"`
	Path        string    `json:"metrics_path"`
	Scheme      string    `json:"scheme"`
	Static      []Static  `json:"static_configs"`
	HonorLabels *bool     `json:"honor_labels"`
	HonorTimes  *bool     `json:"honor_timestamps"`
	Stale       *bool     `json:"track_timestamps_staleness"`
	Compress    *bool     `json:"enable_compression"`
	Params      *doc.Node `json:"params"`
	Fallback    *doc.Node `json:"fallback_scrape_protocol"`
	BucketLimit *doc.Node `json:"native_histogram_bucket_limit"`
	BucketMin   *doc.Node `json:"native_histogram_min_bucket_factor"`
	Relabel     *doc.Node `json:"relabel_configs"`
	MetricLabel *doc.Node `json:"metric_relabel_configs"`
	limits
	client
	// Discovery names the ways in which targets are found: kubernetes, dns, file.
	Discovery []string `json:"-"`
}

// Static are targets by name: host:port.
type Static struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// Alerting says where alerts go.
type Alerting struct {
	Relabel  *doc.Node       `json:"alert_relabel_configs"`
	Managers []Alertmanagers `json:"alertmanagers"`
}

// Alertmanagers is a group of them.
type Alertmanagers struct {
	Static       []Static  `json:"static_configs"`
	Scheme       string    `json:"scheme"`
	Prefix       string    `json:"path_prefix"`
	Timeout      Duration  `json:"timeout"`
	Version      string    `json:"api_version"`
	SigV4        *doc.Node `json:"sigv4"`
	Relabel      *doc.Node `json:"relabel_configs"`
	AlertRelabel *doc.Node `json:"alert_relabel_configs"`
	client
}

// Remote is a store elsewhere; only its place is read.
type Remote struct{ URL string }

// UnmarshalJSON takes the place alone: the rest has secrets.
func (r *Remote) UnmarshalJSON(b []byte) error {
	d := doc.Read("remote.json", b, nil)
	if len(d.Docs) == 0 || d.Docs[0].Root.Str("url") == "" {
		return fmt.Errorf("a remote store needs its url")
	}
	r.URL = d.Docs[0].Root.Str("url")
	return nil
}

// MarshalJSON is the inverse.
func (r Remote) MarshalJSON() ([]byte, error) {
	return []byte(`{"url":` + strconv.Quote(r.URL) + `}`), nil
}

// Is reports whether a node is Prometheus's configuration.
func Is(n *doc.Node) bool {
	if n == nil || n.Kind != doc.Map || n.Get("apiVersion") != nil {
		return false
	}
	if s := n.Get("scrape_configs"); s != nil && (s.Kind == doc.List || s.Kind == doc.Null) {
		return true
	}
	g := n.Get("global")
	return g.Get("scrape_interval") != nil || g.Get("evaluation_interval") != nil || n.Get("rule_files") != nil && n.Get("alerting") != nil
}

// Read reads the configuration at a node of a document.
func Read(d *doc.Document, n *doc.Node) *Config {
	c := &Config{Doc: d, Node: n}
	clean, ways := withoutDiscovery(n)
	c.Faults = d.DecodeNode(clean, c)
	for i := range c.Scrapes {
		c.Scrapes[i].Discovery = ways["scrape_configs"+"/"+strconv.Itoa(i)]
	}
	c.check()
	return c
}

// withoutDiscovery copies the configuration without the many ways of finding
// targets (kubernetes_sd_configs and its like), which it lists by place.
func withoutDiscovery(n *doc.Node) (*doc.Node, map[string][]string) {
	ways := map[string][]string{}
	var copied func(n *doc.Node, at string, depth int) *doc.Node
	copied = func(n *doc.Node, at string, depth int) *doc.Node {
		if depth == 0 || n.Kind != doc.Map && n.Kind != doc.List {
			return n
		}
		m := *n
		m.Entries, m.Items = nil, nil
		for _, e := range n.Entries {
			if way, ok := strings.CutSuffix(e.Key.Text, "_sd_configs"); ok {
				ways[at] = append(ways[at], way)
				continue
			}
			e.Value = copied(e.Value, strings.TrimPrefix(at+"/"+e.Key.Text, "/"), depth-1)
			m.Entries = append(m.Entries, e)
		}
		for i, it := range n.Items {
			m.Items = append(m.Items, copied(it, at+"/"+strconv.Itoa(i), depth-1))
		}
		return &m
	}
	return copied(n, "", 5), ways
}

func (c *Config) check() {
	fault := func(path []string, what, hint string) {
		c.Faults = append(c.Faults, c.Doc.Fault(c.Node.Find(path...), doc.Value, path, strings.Join(path, ".")+": "+what, hint))
	}
	first := map[string]int{}
	for i, s := range c.Scrapes {
		at := []string{"scrape_configs", strconv.Itoa(i)}
		switch j, seen := first[s.Job]; {
		case c.Node.Find(at...) == nil:
			continue
		case s.Job == "":
			fault(at, "a job needs a name", "add job_name")
		case seen:
			fault(append(at, "job_name"), fmt.Sprintf("job %q was there before, as number %d", s.Job, j+1), "Prometheus refuses two jobs of one name")
		default:
			first[s.Job] = i
		}
		interval := cmpOr(s.Interval, c.Global.ScrapeInterval, DefaultInterval)
		if s.Timeout > interval {
			fault(append(at, "scrape_timeout"), fmt.Sprintf("%v is longer than the interval of %v", s.Timeout, interval), "Prometheus refuses it; a scrape has to end before the next begins")
		}
	}
}

func cmpOr(ds ...Duration) Duration {
	i := slices.IndexFunc(ds, func(d Duration) bool { return d != 0 })
	if i < 0 {
		return 0
	}
	return ds[i]
}

// YAML writes the configuration; reading it gives an equal one, the discovery of
// targets and the secrets of remote stores aside.
func (c *Config) YAML() ([]byte, error) { return doc.Encode(c) }
