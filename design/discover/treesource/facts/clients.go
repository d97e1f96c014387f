package facts

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// feign is a declared client: an interface whose calls are requests.
type feign struct {
	target   string
	path     string
	fallback bool
	called   bool
	fixed    bool // its address stands in the code, not in a setting
}

// feignClient reads declarations of Feign, MicroProfile's rest client, and the
// like.
func (r *reader) feignClient(t *link.Type) {
	if t.Unit.Kind != unit.Interface || aside(t) {
		return
	}
	if mark := t.Unit.Mark("FeignClient", "ReactiveFeignClient"); mark != nil {
		f := &feign{target: r.text1(t, mark.Arg("url")), path: r.text1(t, mark.Arg("path")), fallback: mark.Arg("fallback", "fallbackFactory") != nil, fixed: r.spelled(t, mark.Arg("url"))}
		name := r.text1(t, mark.Arg("name", "value", "serviceId"))
		if f.target == "" || strings.HasPrefix(f.target, "{") {
			f.target = name
		}
		f.path = Path(f.path, r.basePaths(t)[0])
		r.feign[t] = f
		return
	}
	if mark := t.Unit.Mark("RegisterRestClient"); mark != nil {
		target := r.text1(t, mark.Arg("baseUri"))
		if target == "" {
			key := r.text1(t, mark.Arg("configKey"))
			if key == "" {
				key = string(t.ID)
			}
			for _, k := range []string{key + "/mp-rest/url", "quarkus.rest-client." + key + ".url"} {
				if v := r.expand(t.Module, "${"+k+"}"); !strings.HasPrefix(v, "{") {
					target = v
				}
			}
			if target == "" {
				target = key
			}
		}
		r.feign[t] = &feign{target: target, path: r.text1(t, t.Unit.Mark("Path").Arg("value")), fixed: r.spelled(t, mark.Arg("baseUri"))}
		return
	}
	if mark := t.Unit.Mark("HttpExchange"); mark != nil {
		r.feign[t] = &feign{target: r.text1(t, mark.Arg("url", "value")), fixed: r.spelled(t, mark.Arg("url", "value"))}
		return
	}
	for _, m := range t.Methods { // Retrofit
		if v := m.Unit.Mark(jaxrs...); v != nil && v.Arg("value") != nil && imports(t, "retrofit2") {
			r.feign[t] = &feign{}
			return
		}
	}
}

// spelled reports whether the address that an argument comes to stands in the code,
// were it as the default of a setting.
func (r *reader) spelled(t *link.Type, e *unit.Expr) bool {
	if e == nil {
		return false
	}
	s := &link.Scope{In: &link.Method{Type: t, Unit: &unit.Method{}}}
	text := r.Program.Text(s, e).S
	return strings.Contains(text, "://") && strings.Contains(text, r.expand(t.Module, text))
}

// verbOf a declared client's method: its mapping.
func (r *reader) verbOf(t *link.Type, f *feign, m *link.Method) string {
	if mark := mapping(m.Unit.Marks); mark != nil {
		v := r.methods(mark)[0]
		if v == "ANY" {
			v = "GET"
		}
		return v + " " + Path(f.path, r.text1(t, mark.Arg("value", "path", "url")))
	}
	if mark := m.Unit.Mark("RequestLine"); mark != nil {
		return r.text1(t, mark.Arg("value"))
	}
	if mark := m.Unit.Mark(jaxrs...); mark != nil {
		return unit.Last(mark.Name) + " " + Path(f.path, r.text1(t, orExpr(mark.Arg("value"), m.Unit.Mark("Path").Arg("value"))))
	}
	return m.Unit.Name
}

// client looks whether a call leaves the process.
func (r *reader) client(s *link.Site, tx string) {
	if s.Recv.Type != nil {
		r.declaredClient(s, tx)
		return
	}
	root, last := s.Recv.Root(), s.Call.Text
	if s.Call.Kind == unit.New {
		r.newRequest(s, tx)
		return
	}
	if root == "" {
		return
	}
	switch {
	case root == "RestTemplate" || root == "RestOperations" || root == "TestRestTemplate" || root == "AsyncRestTemplate" || root == "OAuth2RestTemplate" || root == "OAuth2RestOperations":
		r.restTemplate(s, tx)
	case root == "WebClient" || root == "RestClient" || root == "WebTestClient":
		r.webClient(s, tx)
	case strings.HasSuffix(root, "KafkaTemplate") || root == "KafkaProducer" || root == "Producer" && last == "send":
		r.kafka(s, tx)
	case root == "RabbitTemplate" || root == "AmqpTemplate" || root == "RabbitOperations" || root == "RabbitMessagingTemplate" || root == "Channel" && last == "basicPublish":
		r.rabbit(s, tx)
	case root == "JmsTemplate" || root == "JmsMessagingTemplate" || root == "JMSProducer":
		if last == "send" || last == "convertAndSend" || last == "sendAndReceive" {
			r.publish(s, tx, "jms", r.arg(s, 0))
		}
	case root == "StreamBridge" && last == "send":
		b := r.arg(s, 0)
		if d := r.expand(s.In.Type.Module, "${spring.cloud.stream.bindings."+b.S+".destination}"); !strings.HasPrefix(d, "{") {
			b.S = d
		}
		r.publish(s, tx, "topic", b)
	case (root == "SqsTemplate" || root == "QueueMessagingTemplate" || root == "NotificationMessagingTemplate" || root == "RocketMQTemplate" || root == "PulsarTemplate") && strings.Contains(strings.ToLower(last), "send"):
		r.publish(s, tx, "topic", r.arg(s, 0))
	case root == "Unirest" && slices.Contains([]string{"get", "post", "put", "delete", "patch"}, last) && s.Recv.Last() == "":
		r.request(s, tx, strings.ToUpper(last), r.arg(s, 0))
	case (root == "HttpRequest" || root == "Request") && (last == "uri" || last == "url" || last == "newBuilder" && len(s.Call.Args) == 1):
		r.request(s, tx, r.verbInChain(s), r.arg(s, 0))
	case (root == "Client" || root == "ClientBuilder" || root == "WebTarget" || root == "ResteasyClient") && last == "target":
		r.request(s, tx, "", r.arg(s, 0))
	case root == "HttpUtil" || root == "HttpClientUtil" || root == "OkHttpUtil":
		if t := r.arg(s, 0); strings.Contains(t.S, "://") {
			r.request(s, tx, verbIn(last), t)
		}
	case strings.HasSuffix(root, "BlockingStub") || strings.HasSuffix(root, "FutureStub") || strings.HasSuffix(root, "Stub") && strings.Contains(s.Recv.Name, "Grpc"):
		if s.Recv.Last() == "" && !strings.HasPrefix(last, "with") {
			r.grpcCall(s, tx, root)
		}
	case strings.HasSuffix(root, "RedisTemplate") || root == "Jedis" || root == "RedissonClient" || root == "RedisCommands":
		if s.Recv.Last() == "" {
			r.out1(s, code.Client{Kind: "redis", Target: "redis", Verb: last, Tx: tx})
		}
	case (root == "JavaMailSender" || root == "MailSender") && last == "send":
		host := r.expand(s.In.Type.Module, "${spring.mail.host}")
		r.out1(s, code.Client{Kind: "smtp", Target: strings.Trim(host, "{}"), Verb: "send", Tx: tx})
	case (root == "AmazonS3" || root == "S3Client" || root == "MinioClient") && s.Recv.Last() == "":
		r.out1(s, code.Client{Kind: "s3", Target: r.arg(s, 0).S, Verb: last, Tx: tx})
	case root == "DiscoveryClient" && last == "getInstances", root == "LoadBalancerClient" && last == "choose":
		if t := r.arg(s, 0); t.Known() { // a client that asks the registry itself: what it then calls is this service
			r.out1(s, code.Client{Kind: "http", Target: t.S, Tx: tx})
		}
	}
}

func (r *reader) declaredClient(s *link.Site, tx string) {
	t := s.Recv.Type
	f := r.feign[t]
	if f == nil && s.Target != nil {
		t = s.Target.Type
		f = r.feign[t]
	}
	if f == nil || s.Target == nil || s.Target.Unit.Name == "<init>" {
		return
	}
	f.called = true
	c := code.Client{Kind: "http", Target: f.target, Verb: r.verbOf(t, f, s.Target), Tx: tx, Fixed: f.fixed && remoteHost(f.target), Fallback: f.fallback}
	r.out1(s, c)
}

// out1 keeps a call that leaves, with what guards it.
func (r *reader) out1(s *link.Site, c code.Client) {
	c.Method, c.Pos, c.InLoop = s.In.ID, pos(s), s.InLoop
	if r.cur != nil && r.cur.m == s.In {
		c.Policy = r.cur.policy
		c.Fallback = c.Fallback || r.cur.safe
	}
	if c.Tx == "" {
		c.Tx = r.tx[s.In]
	}
	key := access{c.Method, arch.Ref(c.Kind + " " + c.Target), c.Verb, c.Pos.Line}
	if s.In.Type.Unit.Kind == unit.Loose && s.In.Unit.Name == "<init>" && r.seen[key] { // a file's variable that a block sets: the one statement
		return
	}
	r.seen[key] = true
	r.g.Clients = append(r.g.Clients, c)
	r.out.Outgoing = append(r.out.Outgoing, Outgoing{c, s.In.Type.Module})
}

// verbIn finds the verb that a method's name starts with.
func verbIn(name string) string {
	for _, v := range []string{"get", "post", "put", "delete", "patch", "head", "options"} {
		if strings.HasPrefix(strings.ToLower(name), v) {
			return strings.ToUpper(v)
		}
	}
	return ""
}

var restMethods = []string{"getForObject", "getForEntity", "headForHeaders", "postForLocation", "postForObject", "postForEntity", "put", "patchForObject", "delete", "optionsForAllow"}

func (r *reader) restTemplate(s *link.Site, tx string) {
	if s.Recv.Last() != "" { // something that a call of it gave
		return
	}
	v := verbIn(s.Call.Text)
	if s.Call.Text == "exchange" || s.Call.Text == "execute" {
		for i := range s.Call.Args {
			if a := &s.Call.Args[i]; a.Kind == unit.Member && a.X != nil && unit.Last(a.X.Text) == "HttpMethod" || i == 1 && a.Kind == unit.Name && a.Text == strings.ToUpper(a.Text) {
				v = a.Text
			}
		}
	} else if !slices.Contains(restMethods, s.Call.Text) {
		return
	}
	r.request(s, tx, v, r.arg(s, 0))
}

// webClient: the request stands where the uri is given.
func (r *reader) webClient(s *link.Site, tx string) {
	if s.Call.Text != "uri" || s.Recv.Last() == "" {
		return
	}
	v := strings.ToUpper(s.Recv.Last())
	if v == "METHOD" && s.Call.X != nil && len(s.Call.X.Args) == 1 {
		v = unit.Last(s.Call.X.Args[0].Text)
	}
	t := r.arg(s, 0)
	if len(s.Call.Args) > 0 && s.Call.Args[0].Kind == unit.Func { // uri(b -> b.path("/x").build())
		t = link.Text{}
		if fn := s.Call.Args[0].Fn; len(fn.Body) > 0 && fn.Body[0].X != nil {
			if p := findCall(fn.Body[0].X, "path"); p != nil && len(p.Args) > 0 {
				t = r.Program.Text(s.Scope, &p.Args[0])
			}
		}
	}
	if !strings.Contains(t.S, "://") {
		if base := r.base(s); base.S != "" {
			t = link.Text{S: strings.TrimSuffix(base.S, "/") + "/" + strings.TrimPrefix(t.S, "/"), Fixed: base.Fixed, Lead: base.Lead}
		}
	}
	r.request(s, tx, v, t)
}

// base finds the address that a client was built with: where the chain begins,
// the field that it is kept in, or the constructor that sets it.
func (r *reader) base(s *link.Site) link.Text {
	root := s.Call
	for root.X != nil && (root.Kind == unit.Call || root.Kind == unit.Member && root.X.Kind == unit.Call) {
		root = root.X
	}
	if t, ok := r.baseIn(s.Scope, s.Call); ok {
		return t
	}
	name := root.Text
	if v := s.Scope.Var(name); v != nil && v.Init != nil {
		if t, ok := r.baseIn(v.Scope, v.Init); ok {
			return t
		}
	}
	o, f := r.Program.Field(s.In.Type, name)
	if f == nil {
		return link.Text{}
	}
	if t, ok := r.baseIn(&link.Scope{In: &link.Method{Type: o, Unit: &unit.Method{}}}, f.Init); ok {
		return t
	}
	for _, m := range o.Methods {
		for i := range m.Unit.Body {
			x := m.Unit.Body[i].X
			if x != nil && x.Kind == unit.Assign && x.X != nil && x.X.Text == name {
				if t, ok := r.baseIn(r.Program.Scope(m), &x.Args[0]); ok {
					return t
				}
			}
		}
	}
	return r.beanBase(o, name)
}

// beanBase: a bean of that name, or the only one of that type in the module.
func (r *reader) beanBase(t *link.Type, name string) link.Text {
	var only []link.Text
	for _, x := range r.Program.Ordered {
		if x.Module != t.Module || aside(x) {
			continue
		}
		for _, m := range x.Methods {
			if m.Unit.Mark("Bean", "Produces") == nil || unit.Last(m.Unit.Result) != "WebClient" && unit.Last(m.Unit.Result) != "RestClient" {
				continue
			}
			for i := range m.Unit.Body {
				if b, ok := r.baseIn(r.Program.Scope(m), m.Unit.Body[i].X); ok {
					if m.Unit.Name == name {
						return b
					}
					only = append(only, b)
				}
			}
		}
	}
	if len(only) == 1 {
		return only[0]
	}
	return link.Text{}
}

// baseIn looks for what gives a client its address in an expression.
func (r *reader) baseIn(s *link.Scope, e *unit.Expr) (link.Text, bool) {
	c := findCall(e, "baseUrl", "rootUri", "create")
	if c == nil || len(c.Args) == 0 {
		return link.Text{}, false
	}
	t := r.Program.Text(s, &c.Args[0])
	t.S = r.expand(s.In.Type.Module, t.S)
	return t, t.Known()
}

// findCall finds a call of one of these names along a chain.
func findCall(e *unit.Expr, names ...string) *unit.Expr {
	for e != nil {
		if e.Kind == unit.Call && slices.Contains(names, e.Text) {
			return e
		}
		e = e.X
	}
	return nil
}

// verbInChain of a request's builder: what is called before or after the address.
func (r *reader) verbInChain(s *link.Site) string {
	for x := s.Call; x != nil; x = x.X {
		if v := strings.ToUpper(x.Text); v == "GET" || v == "POST" || v == "PUT" || v == "DELETE" {
			return v
		}
	}
	return ""
}

var newRequests = map[string]string{"HttpGet": "GET", "HttpPost": "POST", "HttpPut": "PUT", "HttpDelete": "DELETE", "HttpPatch": "PATCH", "URL": "", "HttpRequestMessage": ""}

func (r *reader) newRequest(s *link.Site, tx string) {
	name := unit.Last(s.Call.Text)
	if name == "ProducerRecord" || strings.HasPrefix(name, "ProducerRecord<") {
		return // the send that it is for counts
	}
	v, ok := newRequests[name]
	if !ok || s.Recv.Type != nil || len(s.Call.Args) == 0 {
		return
	}
	t := r.arg(s, 0)
	if !strings.HasPrefix(t.S, "http") && v == "" || !t.Known() {
		return
	}
	r.request(s, tx, v, t)
}

// request is an HTTP call to an address.
func (r *reader) request(s *link.Site, tx, verb string, t link.Text) {
	target, path := Split(t.S)
	if path != "" {
		verb = strings.TrimSpace(verb + " " + path)
	}
	r.out1(s, code.Client{Kind: "http", Target: target, Verb: verb, Tx: tx, Fixed: t.InCode(hostEnd(t.S)) && remoteHost(t.S)})
}

// hostEnd is where the host of an address ends.
func hostEnd(address string) int {
	from := 0
	if i := strings.Index(address, "://"); i >= 0 {
		from = i + len("://")
	}
	if i := strings.IndexAny(address[from:], "/?"); i >= 0 {
		return from + i
	}
	return len(address)
}

// remoteHost reports whether an address names a host of one environment: one with a
// domain or a port. A bare name is for a registry or the cluster to resolve, and the
// machine itself is no other system.
func remoteHost(address string) bool {
	_, host, ok := strings.Cut(address[:hostEnd(address)], "://")
	if !ok || strings.ContainsAny(host, "{}$* ") {
		return false
	}
	name, port, _ := strings.Cut(host, ":")
	switch name {
	case "", "localhost", "127.0.0.1", "0.0.0.0", "169.254.169.254":
		return false
	}
	return strings.Contains(name, ".") || port != ""
}

// Split cuts an address into scheme and host, and path.
func Split(url string) (target, path string) {
	rest := url
	scheme := ""
	if i := strings.Index(url, "://"); i >= 0 {
		scheme, rest = url[:i+3], url[i+3:]
	} else if strings.HasPrefix(url, "/") {
		return "", Path(strings.SplitN(url, "?", 2)[0])
	} else if strings.HasPrefix(url, "{") { // what stands before the path is not known
		i := strings.IndexByte(url, '/')
		if i < 0 {
			return url, ""
		}
		return url[:i], Path(strings.SplitN(url[i:], "?", 2)[0])
	}
	i := strings.IndexAny(rest, "/?")
	if i < 0 {
		return scheme + rest, ""
	}
	path, _, _ = strings.Cut(rest[i:], "?")
	return scheme + rest[:i], Path(path)
}

func (r *reader) publish(s *link.Site, tx, kind string, topic link.Text) {
	r.out1(s, code.Client{Kind: kind, Target: topic.S, Verb: "publish", Tx: tx, Fixed: topic.Fixed})
}

func (r *reader) kafka(s *link.Site, tx string) {
	if s.Recv.Last() != "" {
		return
	}
	switch s.Call.Text {
	case "send":
	case "sendDefault":
		r.publish(s, tx, "kafka", link.Text{S: r.expand(s.In.Type.Module, "${spring.kafka.template.default-topic}")})
		return
	default:
		return
	}
	t := r.arg(s, 0)
	if !t.Known() && len(s.Call.Args) > 0 { // a record, made here or a few lines above
		if x := r.made(s, &s.Call.Args[0], "ProducerRecord", "MessageBuilder"); x != nil && len(x.Args) > 0 {
			t = r.Program.Text(s.Scope, &x.Args[0])
			t.S = r.expand(s.In.Type.Module, t.S)
		}
	}
	r.publish(s, tx, "kafka", t)
}

// made finds the construction behind an argument: in place, or where its
// variable is declared. Of a builder it is the topic's header.
func (r *reader) made(s *link.Site, e *unit.Expr, names ...string) *unit.Expr {
	if e.Kind == unit.Name {
		if v := s.Scope.Var(e.Text); v != nil && v.Init != nil {
			e = v.Init
		}
	}
	if e.Kind == unit.New {
		base, _, _ := strings.Cut(e.Text, "<")
		if slices.Contains(names, unit.Last(base)) {
			return e
		}
	}
	for x := e; x != nil; x = x.X {
		if x.Kind == unit.Call && x.Text == "setHeader" && len(x.Args) == 2 && strings.HasSuffix(x.Args[0].Text, "TOPIC") {
			return &unit.Expr{Args: x.Args[1:]}
		}
	}
	return nil
}

func (r *reader) rabbit(s *link.Site, tx string) {
	if s.Recv.Last() != "" || !strings.Contains(strings.ToLower(s.Call.Text), "send") && s.Call.Text != "basicPublish" {
		return
	}
	var named []string
	for i := range s.Call.Args {
		if i > 1 {
			break
		}
		if i == len(s.Call.Args)-1 && len(s.Call.Args) > 1 && i > 0 && len(s.Call.Args) < 3 { // the message
			break
		}
		if t := r.arg(s, i); t.Known() {
			named = append(named, t.S)
		}
	}
	if len(s.Call.Args) == 1 {
		named = nil
	}
	if len(named) == 0 {
		named = []string{r.expand(s.In.Type.Module, "${spring.rabbitmq.template.routing-key:}")}
	}
	r.publish(s, tx, "amqp", link.Text{S: strings.Trim(strings.Join(named, "/"), "/")})
}

// guards reads what annotations put around a method's calls.
func (r *reader) guards(t *link.Type, m *link.Method) {
	find := func(names ...string) *unit.Mark {
		if x := m.Unit.Mark(names...); x != nil {
			return x
		}
		return t.Unit.Mark(names...)
	}
	p := arch.Policy{Layer: arch.LayerCode}
	set := false
	if x := find("HystrixCommand"); x != nil {
		set = true
		p.Breaker = &arch.Breaker{}
		r.cur.safe = x.Arg("fallbackMethod") != nil
		r.hystrix(t, x, &p)
	}
	if x := find("CircuitBreaker"); x != nil {
		set = true
		p.Breaker = r.breaker(t, x)
		r.cur.safe = r.cur.safe || x.Arg("fallbackMethod") != nil
	}
	if x := find("Retry", "Retryable"); x != nil {
		set = true
		p.Retry = r.retry(t, x)
		r.cur.safe = r.cur.safe || x.Arg("fallbackMethod", "recover") != nil
	}
	if x := find("TimeLimiter", "Timeout"); x != nil {
		set = true
		r.timeout(t, x, &p)
	}
	if x := find("Bulkhead"); x != nil {
		set = true
		p.Bulkhead = r.bulkhead(t, x)
	}
	if x := find("Fallback", "SentinelResource"); x != nil && x.Arg("fallbackMethod", "fallback", "value") != nil {
		r.cur.safe = true
	}
	if set {
		r.cur.policy = p
	}
}
