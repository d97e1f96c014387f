// Package compose reads compose files into plain types with the place of every
// field. Variables are replaced from the .env file beside it and their defaults;
// `extends`, `include` and build details are kept as written.
//
// It only reads.
package compose

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// File is a compose file.
type File struct {
	Name     string
	Services []Service // in their order
	Doc      *doc.Document
	Faults   []*doc.Fault
}

// Service is one service of a file.
type Service struct {
	Name, Image, Build string // Build: folder of the build context
	Hostname           string
	ContainerName      string
	Environment        []Variable
	EnvFiles           []string
	Command            []string
	Ports              []string
	DependsOn          []string
	Links              []string
	Aliases            []string // on its networks
	Networks           []string
	Profiles           []string
	Replicas           int // 0: not given
	Healthcheck        *doc.Node
	Restart            string
	Node               *doc.Node
	Key                *doc.Node
}

// Variable is an environment variable.
type Variable struct {
	Name, Value string
	Node        *doc.Node // of the value, or of the list item
}

// Is reports whether a document looks like a compose file: services, each with
// an image or a build.
//
// In the format's first version the services stand at the top.
func Is(n *doc.Node) bool {
	ss := servicesOf(n)
	return ss != nil && slices.ContainsFunc(ss.Entries, func(e doc.Entry) bool { return isService(e.Value) })
}

func servicesOf(n *doc.Node) *doc.Node {
	if n.Kind != doc.Map || n.Get("apiVersion") != nil {
		return nil
	}
	if ss := n.Get("services"); ss != nil && ss.Kind == doc.Map {
		return ss
	}
	for _, e := range n.Entries { // version 1: nothing but services
		if !isService(e.Value) {
			return nil
		}
	}
	return n
}

func isService(n *doc.Node) bool {
	return n.Kind == doc.Map && (n.Get("image") != nil || n.Get("build") != nil || n.Get("extends") != nil)
}

// topLevel and serviceKeys are the names that the compose specification knows.
var (
	topLevel    = strings.Fields("name version services networks volumes configs secrets include models")
	serviceKeys = strings.Fields(`annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count cpu_percent cpu_period
		cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search
		domainname entrypoint env_file environment expose extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links
		logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports
		post_start pre_stop privileged profiles provider pull_policy pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period
		stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volume_driver volumes volumes_from working_dir`)
)

// Read reads a document; env replaces variables.
func Read(d *doc.Document, env map[string]string) *File {
	f := &File{Doc: d, Name: d.Root.Str("name")}
	ss := servicesOf(d.Root)
	if ss == nil {
		return f
	}
	if ss != d.Root {
		f.unknown(d.Root, topLevel, nil)
	}
	for _, e := range ss.Entries {
		if e.Value.Kind != doc.Map || !isService(e.Value) && len(ss.Entries) > 1 && slices.Contains(topLevel, e.Key.Text) { // a section that slipped in by its indentation
			continue
		}
		f.unknown(e.Value, serviceKeys, []string{"services", e.Key.Text})
		f.Services = append(f.Services, service(e, env))
	}
	return f
}

func (f *File) unknown(n *doc.Node, known, path []string) {
	for _, e := range n.Entries {
		if slices.Contains(known, e.Key.Text) || strings.HasPrefix(e.Key.Text, "x-") || e.Merge {
			continue
		}
		hint := ""
		if near := doc.Nearest(e.Key.Text, known); near != "" {
			hint = `did you mean "` + near + `"?`
		}
		at := append(slices.Clone(path), e.Key.Text)
		f.Faults = append(f.Faults, f.Doc.Fault(e.Key, doc.Unknown, at, `unknown field "`+strings.Join(at, ".")+`"`, hint))
	}
}

func service(e doc.Entry, env map[string]string) Service {
	n := e.Value
	sub := func(s string) string { return Interpolate(s, env) }
	s := Service{
		Name: e.Key.Text, Key: e.Key, Node: n, Image: sub(n.Str("image")), Hostname: sub(n.Str("hostname")), ContainerName: sub(n.Str("container_name")),
		Restart: n.Str("restart"), Healthcheck: n.Get("healthcheck"),
		Command: words(n.Get("command"), sub), DependsOn: names(n.Get("depends_on")), Profiles: names(n.Get("profiles")), Networks: names(n.Get("networks")),
	}
	if b := n.Get("build"); b != nil {
		s.Build = sub(b.Text + b.Str("context"))
	}
	for _, l := range names(n.Get("links")) {
		to, _, _ := strings.Cut(l, ":")
		s.Links = append(s.Links, to)
	}
	if ns := n.Get("networks"); ns != nil {
		for _, x := range ns.Entries {
			s.Aliases = append(s.Aliases, names(x.Value.Get("aliases"))...)
		}
	}
	for _, p := range items(n.Get("ports")) {
		if p.Kind == doc.Map {
			s.Ports = append(s.Ports, p.Str("target"))
		} else {
			s.Ports = append(s.Ports, sub(p.Text))
		}
	}
	for _, x := range items(n.Get("env_file")) {
		s.EnvFiles = append(s.EnvFiles, sub(x.Text+x.Str("path")))
	}
	if ef := n.Get("env_file"); ef != nil && ef.Kind == doc.String {
		s.EnvFiles = []string{sub(ef.Text)}
	}
	s.Environment = variables(n.Get("environment"), env)
	for _, path := range [][]string{{"deploy", "replicas"}, {"scale"}} {
		if r := n.Find(path...); r != nil {
			for _, c := range sub(r.Text) {
				if c >= '0' && c <= '9' && s.Replicas < 1<<20 {
					s.Replicas = s.Replicas*10 + int(c-'0')
				}
			}
		}
	}
	return s
}

func variables(n *doc.Node, env map[string]string) []Variable {
	var out []Variable
	add := func(name, value string, given bool, at *doc.Node) {
		if !given {
			value = env[name]
		}
		out = append(out, Variable{name, Interpolate(value, env), at})
	}
	if n == nil {
		return nil
	}
	for _, e := range n.Entries {
		add(e.Key.Text, e.Value.Text, e.Value.Kind != doc.Null, e.Value)
	}
	for _, it := range n.Items {
		name, value, ok := strings.Cut(it.Text, "=")
		add(name, value, ok, it)
	}
	return out
}

func items(n *doc.Node) []*doc.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// names reads a list of texts, or the keys of a map.
func names(n *doc.Node) []string {
	var out []string
	if n == nil {
		return nil
	}
	for _, it := range n.Items {
		out = append(out, it.Text)
	}
	for _, e := range n.Entries {
		out = append(out, e.Key.Text)
	}
	return out
}

func words(n *doc.Node, sub func(string) string) []string {
	if n == nil {
		return nil
	}
	if n.Kind == doc.String {
		return strings.Fields(sub(n.Text))
	}
	var out []string
	for _, it := range n.Items {
		out = append(out, sub(it.Text))
	}
	return out
}

var variable = regexp.MustCompile(`\$(\$|[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*(?:(:?[-?+])([^{}]*))?\})`)

// Interpolate replaces $NAME, ${NAME}, ${NAME:-default}, ${NAME-default},
// ${NAME:?message} and ${NAME:+other}, as the compose specification says; $$ is
// a dollar. Defaults may hold variables themselves, two deep.
func Interpolate(s string, env map[string]string) string {
	for range 3 {
		next := variable.ReplaceAllStringFunc(s, func(m string) string {
			p := variable.FindStringSubmatch(m)
			if p[1] == "$" {
				return "$$"
			}
			name := strings.Trim(p[1], "{}")
			if i := strings.IndexAny(name, ":-?+"); i >= 0 {
				name = name[:i]
			}
			v, ok := env[name]
			switch p[2] {
			case ":-":
				if v == "" {
					return p[3]
				}
			case "-":
				if !ok {
					return p[3]
				}
			case ":+", "+":
				if v != "" {
					return p[3]
				}
			}
			return v
		})
		if next == s {
			break
		}
		s = next
	}
	return strings.ReplaceAll(s, "$$", "$")
}

// ReadEnv reads an env file: NAME=value lines, comments, quotes.
func ReadEnv(src []byte) map[string]string {
	env := map[string]string{}
	for line := range strings.Lines(string(src)) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "export "))
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		} else if i := strings.Index(value, " #"); i >= 0 {
			value = strings.TrimSpace(value[:i])
		}
		env[strings.TrimSpace(name)] = Interpolate(value, env)
	}
	return env
}
