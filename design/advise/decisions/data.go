package decisions

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var data = decide.Decision{
	ID:       "data",
	Question: "Who owns which data, and on how many servers?",
	Source:   "C. Richardson, Microservices Patterns (2018), ch. 2; S. Newman, Monolith to Microservices (2019), ch. 4",
	Cures:    []string{"data/shared-database", "data/several-writers"},
	Options: []decide.Option{
		{ID: "shared", What: "tables that several services share", Names: []string{"shared-database"},
			Test: "every change of the schema against the tests of all its users", Observe: "queries by service and table", Maintain: "nobody alone: that is the price"},
		{ID: "schema-each", What: "a schema and a login for each service, on shared servers", Names: []string{"schema-per-service"},
			Test: "each service's login fails on the others' tables", Observe: "load by login; connections by service", Maintain: "the service's owner keeps its schema, the platform's the server"},
		{ID: "server-each", What: "a database server for each service", Names: []string{"database-per-service"},
			Test: "a backup of each is restored, in a drill", Observe: "each server's saturation, replication and backups", Maintain: "the service's owner"},
	},
	Local: []decide.Measure{
		{Key: "databases", Factor: decide.Operations, About: "database servers, caches left out", Whole: true, From: 1, To: 20},
		{Key: "keepers", Factor: decide.Consistency, About: "services that keep data there", Unit: "services with data", Whole: true, From: 1, To: 20},
		{Key: "others", Factor: decide.Consistency, About: "of these, services on data that another one owns", Unit: "services on others' data there", Whole: true, From: 0, To: 6},
	},
	Moot: func(c *decide.Case) string {
		if len(c.Databases()) == 0 {
			return "no database was seen"
		}
		return ""
	},
	Subjects: databases,
	Judge: func(s *decide.Sheet, option string) {
		servers, keepers := s.M("databases"), s.M("keepers")
		switch option {
		case "shared":
			if s.Current != "shared" {
				s.Veto("the data is apart: putting it together again gains nothing")
			}
			s.Days(decide.Consistency, "changes that wait for other users", s.M("others").Times(s.P("shared-table")))
		case "schema-each":
			s.Days(decide.Operations, "schemas and logins", keepers.Times(s.P("schema")))
			s.Change(decide.Consistency, "giving each table one owner", s.M("others").Times(s.P("data-move")))
			if s.Current == "server-each" {
				s.Change(decide.Operations, "moving onto one server", servers.Less(decide.N(1, "")).Times(s.P("data-move")))
				servers = decide.N(1, "server")
			}
		case "server-each":
			s.Days(decide.Operations, "schemas and logins", keepers.Times(s.P("schema")))
			s.Change(decide.Consistency, "giving each table one owner", s.M("others").Times(s.P("data-move")))
			if s.Current != "server-each" {
				s.Change(decide.Operations, "moving apart", keepers.Less(servers).Times(s.P("data-move")))
				if keepers.V > servers.V {
					servers = keepers
				}
			}
		}
		s.Days(decide.Operations, "database servers", servers.Times(s.P("database")))
		cores(s, "database servers", servers.Times(s.P("database-cores")))
	},
}

// databases are each database of which several services use the same data, by its
// name, and all others together.
func databases(c *decide.Case) []decide.Subject {
	left, keepers := c.Databases(), c.DataServices()
	var out []decide.Subject
	for _, u := range c.Shared() {
		names := make([]string, len(u.Users))
		for i, r := range u.Users {
			names[i] = r.Short()
		}
		out = append(out, decide.Subject{
			Title: u.Store.Short(), Of: append([]arch.Ref{u.Store}, u.Users...), Current: "shared",
			Note: strings.Join(names, ", ") + " use the same data in it",
			Facts: map[string]decide.Fact{
				"databases": decide.Counted(c, 1, u.Store), "keepers": decide.Counted(c, len(u.Users), u.Users...),
				"others": decide.Known(float64(len(u.Users)-1), "all but the one that is to own it"),
			},
		})
		left = slices.DeleteFunc(left, func(r arch.Ref) bool { return r == u.Store })
		keepers = slices.DeleteFunc(keepers, func(r arch.Ref) bool { return slices.Contains(u.Users, r) })
	}
	if len(left) == 0 {
		return out
	}
	rest := decide.Subject{Current: "schema-each", Facts: map[string]decide.Fact{
		"databases": decide.Counted(c, len(left), left...), "keepers": decide.Counted(c, len(keepers), keepers...), "others": decide.Known(0, "no two services use the same data in them"),
	}}
	switch {
	case len(out) > 0:
		rest.Title, rest.Of = "every other database", left
		if len(left) == 1 {
			rest.Title = left[0].Short()
		}
	case len(keepers) == 0:
		rest.Facts["keepers"] = decide.Fact{Where: "which service uses which database was not seen"}
	}
	if len(left) >= len(keepers) && len(left) > 1 {
		rest.Current = "server-each"
	}
	return append(out, rest)
}
