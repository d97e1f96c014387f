package facts

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// clients of other languages, by the name that their module is imported as.
var httpModules = []string{"axios", "requests", "httpx", "got", "superagent", "needle", "HttpService", "AxiosInstance", "AxiosStatic", "HttpClient", "Session", "AsyncClient", "ClientSession", "HttpClientJsonExtensions", "ky", "request", "request-promise", "request-promise-native"}

// instances of those clients are what these calls of their modules give.
var instances = []string{"", "axios", "create", "extend", "AsyncClient", "Client", "Session", "ClientSession", "session"}

func (r *reader) otherSite(s *link.Site, tx string) {
	r.route(s)
	r.addService(s)
	if s.Call.Kind == unit.New {
		return
	}
	name, root := s.Call.Text, s.Recv.Root()
	switch {
	case slices.Contains(httpModules, root) && slices.Contains(instances, s.Recv.Last()) || s.Recv.Type == nil && s.Call.X != nil && s.Call.X.Text == "httpClient":
		verb := httpVerbs[strings.ToLower(name)]
		if s.In.Type.File.Lang == "csharp" {
			verb = verbIn(name)
			if !strings.HasSuffix(name, "Async") || verb == "" && name != "SendAsync" {
				return
			}
		}
		if verb == "" && name != "request" && name != "SendAsync" {
			return
		}
		t := r.arg(s, 0)
		if base := r.baseURL(s); base != "" && !strings.Contains(t.S, "://") {
			t.S = strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(t.S, "/")
		}
		r.request(s, tx, verb, t)
	case s.Call.X == nil && s.In.Type.File.Lang == "typescript" && (name == "fetch" || name == "axios" || name == "got" || slices.Contains(httpModules, module(s.In.Type, name))):
		r.fetch(s, tx)
	case redis(s.Recv):
		if !slices.Contains(redisSetUp, strings.ToLower(name)) {
			r.out1(s, code.Client{Kind: "redis", Target: "redis", Verb: name, Tx: tx})
		}
	case (name == "subscribe" || name == "Subscribe") && strings.HasSuffix(strings.ToLower(strings.TrimPrefix(lastName(s.Call.X), "_")), "consumer"), name == "KafkaConsumer" && s.In.Type.File.Lang == "python":
		r.consumer(s)
	case strings.HasSuffix(strings.ToLower(lastName(s.Call.X)), "producer") && (name == "send" || name == "produce" || name == "ProduceAsync"):
		topic := r.arg(s, 0)
		if len(s.Call.Args) > 0 && s.Call.Args[0].Kind == unit.Object {
			topic = r.Program.Text(s.Scope, pair(s.Call.Args[0], "topic"))
		}
		r.publish(s, tx, "kafka", topic)
	case name == "sendToQueue" || name == "basic_publish" || name == "BasicPublish" || name == "publish" && strings.Contains(strings.ToLower(lastName(s.Call.X)), "channel"):
		topic := r.arg(s, 0)
		for i := range s.Call.Args {
			if a := &s.Call.Args[i]; a.Kind == unit.Pair && (a.Text == "routing_key" || a.Text == "exchange") {
				if t := r.Program.Text(s.Scope, a.X); t.S != "" {
					topic = t
				}
			}
		}
		r.publish(s, tx, "amqp", topic)
	case (name == "emit" || name == "send") && root == "ClientProxy":
		r.publish(s, tx, "topic", r.arg(s, 0))
	case (name == "Publish" || name == "PublishAsync" || name == "Send") && (root == "IPublishEndpoint" || root == "IBus" || root == "ISendEndpointProvider" || root == "IEventBus") && len(s.Args) > 0:
		if a := s.Args[0]; a.Type != nil {
			r.publish(s, tx, "topic", link.Text{S: a.Type.Unit.Name, Fixed: true})
		}
	case r.stubCall(s, tx):
	}
	r.otherData(s, tx)
}

// module is what a file imports whole under a name, "" when it is none.
func module(t *link.Type, name string) string {
	for i := range t.File.Imports {
		if im := &t.File.Imports[i]; im.Alias == name && im.Package == "" {
			return im.Name
		}
	}
	return ""
}

// redisSetUp are calls of a client that touch no key.
var redisSetUp = []string{"on", "once", "connect", "quit", "end", "disconnect", "duplicate", "createclient", "redis", "strictredis", "from_url", "close", "dispose", "getdatabase", "getserver"}

// redis reports whether a value is a client of Redis, by the libraries of Node,
// Python and .NET.
func redis(recv link.Ref) bool {
	switch recv.Root() {
	case "redis", "aioredis":
		return slices.Contains([]string{"createClient", "createCluster", "Redis", "StrictRedis", "RedisCluster", "from_url"}, recv.Last())
	case "ioredis", "Redis", "StrictRedis", "IDatabase", "IDatabaseAsync", "RedisClientType":
		return recv.Last() == "" || recv.Last() == "from_url"
	case "ConnectionMultiplexer", "IConnectionMultiplexer":
		return recv.Last() == "GetDatabase"
	}
	return false
}

// consumer is who takes messages of a Kafka topic.
func (r *reader) consumer(s *link.Site) {
	topic := r.arg(s, 0)
	if len(s.Call.Args) > 0 && s.Call.Args[0].Kind == unit.Object {
		if topic = r.Program.Text(s.Scope, pair(s.Call.Args[0], "topic")); !topic.Known() {
			topic = r.Program.Text(s.Scope, pair(s.Call.Args[0], "topics"))
		}
	}
	if topic.S = r.expand(s.In.Type.Module, topic.S); topic.Known() {
		r.entry(s.In, "topic", "topic "+topic.S, int(s.Call.Line))
	}
}

func lastName(e *unit.Expr) string {
	if e == nil {
		return ""
	}
	return e.Text
}

func (r *reader) fetch(s *link.Site, tx string) {
	verb := "GET"
	if len(s.Call.Args) > 1 && s.Call.Args[1].Kind == unit.Object {
		if m := pair(s.Call.Args[1], "method"); m != nil {
			verb = strings.ToUpper(r.Program.Text(s.Scope, m).S)
		}
	}
	t := r.arg(s, 0)
	if len(s.Call.Args) > 0 && s.Call.Args[0].Kind == unit.Object {
		if t = r.Program.Text(s.Scope, pair(s.Call.Args[0], "url")); !t.Known() {
			t = r.Program.Text(s.Scope, pair(s.Call.Args[0], "uri"))
		}
		if m := pair(s.Call.Args[0], "method"); m != nil {
			verb = strings.ToUpper(r.Program.Text(s.Scope, m).S)
		}
	}
	if t.Known() {
		r.request(s, tx, verb, t)
	}
}

// baseURL of an instance: axios.create({baseURL}), httpx.Client(base_url=...).
func (r *reader) baseURL(s *link.Site) string {
	if s.Call.X == nil || s.Call.X.Kind != unit.Name && s.Call.X.Kind != unit.Member {
		return ""
	}
	name := s.Call.X.Text
	var init *unit.Expr
	if v := s.Scope.Var(name); v != nil {
		init = v.Init
	} else if _, f := r.Program.Field(s.In.Type, name); f != nil {
		init = f.Init
	} else if f := r.Program.FileField(s.In.Type, name); f != nil {
		init = f.Init
	}
	if init == nil {
		return ""
	}
	for i := range init.Args {
		a := &init.Args[i]
		if a.Kind == unit.Pair && a.Text == "base_url" {
			return r.expand(s.In.Type.Module, r.Program.Text(s.Scope, a.X).S)
		}
		if b := pair(*a, "baseURL"); b != nil {
			return r.expand(s.In.Type.Module, r.Program.Text(s.Scope, b).S)
		}
	}
	return ""
}
