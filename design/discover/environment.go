package discover

import (
	"path"
	"slices"
	"strings"
)

// environments that people deploy to, by the names that they give them.
var environments = map[string]string{
	"dev": "dev", "devel": "dev", "develop": "dev", "development": "dev", "local": "local", "localhost": "local",
	"kind": "local", "minikube": "local", "test": "test", "testing": "test", "ci": "ci", "qa": "qa", "uat": "uat", "int": "int", "integration": "int",
	"stage": "staging", "staging": "staging", "stg": "staging", "preprod": "preprod", "pre-prod": "preprod", "pre-production": "preprod",
	"preview": "preview", "sandbox": "sandbox", "demo": "demo", "perf": "perf", "canary": "canary",
	"prod": "prod", "production": "prod", "prd": "prod", "live": "prod", "dr": "dr",
}

// SameEnvironment reports whether two names mean one environment: prod and
// production do.
func SameEnvironment(a, b string) bool { return environment(a) == environment(b) }

func environment(s string) string {
	s = strings.ToLower(s)
	if e := environments[s]; e != "" {
		return e
	}
	return s
}

// EnvironmentOf finds an environment's name in a file's or folder's name: prod of
// values-prod.yaml, prod-eu of values.prod-eu.yaml, "" of values-small.yaml. Words
// are what - _ and . part.
func EnvironmentOf(name string) string {
	words := strings.FieldsFunc(strings.ToLower(strings.TrimSuffix(name, path.Ext(name))), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	for i, w := range words {
		if environments[w] != "" {
			return strings.Join(words[i:], "-")
		}
	}
	return ""
}

// byEnvironment parts documents into those of the environment that was asked for
// and those of others. Where a bundle has texts for that environment, those for
// all do not count.
func byEnvironment(docs []Document, asked string) (in, elsewhere []Document, known []string) {
	special := map[string]bool{} // bundles that have the environment
	names := map[string]string{} // one name where files use several for one environment
	for _, d := range docs {
		if d.Environment == "" {
			continue
		}
		if e := environment(d.Environment); names[e] == "" || d.Environment < names[e] {
			names[e] = d.Environment
		}
		if asked != "" && SameEnvironment(d.Environment, asked) {
			special[d.Bundle] = true
		}
	}
	for _, n := range names {
		known = append(known, n)
	}
	slices.Sort(known)
	for _, d := range docs {
		if d.Environment != "" {
			d.Environment = names[environment(d.Environment)]
		}
		switch {
		case d.Environment == "" && (d.Bundle == "" || !special[d.Bundle]), asked != "" && d.Environment != "" && SameEnvironment(d.Environment, asked):
			in = append(in, d)
		case d.Environment != "":
			elsewhere = append(elsewhere, d)
		}
	}
	return in, elsewhere, known
}
