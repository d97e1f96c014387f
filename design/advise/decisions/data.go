package decisions

import (
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
		{Key: "keepers", Factor: decide.Consistency, About: "services that keep data", Unit: "services with data", Whole: true, From: 1, To: 20},
	},
	Moot: func(c *decide.Case) string {
		if len(c.Databases()) == 0 {
			return "no database was seen"
		}
		return ""
	},
	Subjects: func(c *decide.Case) []decide.Subject {
		dbs, keep := c.Databases(), c.DataServices()
		current := "schema-each"
		switch {
		case len(c.Shared()) > 0:
			current = "shared"
		case len(dbs) >= len(keep) && len(dbs) > 1:
			current = "server-each"
		}
		f := map[string]decide.Fact{"databases": decide.Counted(c, len(dbs), dbs...), "keepers": decide.Known(float64(len(keep)), "counted")}
		if len(keep) == 0 {
			f["keepers"] = decide.Fact{Where: "which service uses which database was not seen"}
		}
		var of []arch.Ref
		for _, x := range c.Shared() {
			of = append(of, x.Store)
		}
		sub := decide.Subject{Current: current, Facts: f, Of: of}
		return []decide.Subject{sub}
	},
	Judge: func(s *decide.Sheet, option string) {
		servers, keepers := s.M("databases"), s.M("keepers")
		switch option {
		case "shared":
			if s.Current != "shared" {
				s.Veto("the data is apart: putting it together again gains nothing")
			}
			s.Days(decide.Consistency, "changes that wait for other users", s.M("sharing").Times(s.P("shared-table")))
		case "schema-each":
			s.Days(decide.Operations, "schemas and logins", keepers.Times(s.P("schema")))
			s.Change(decide.Consistency, "giving each table one owner", s.M("sharing").Times(s.P("data-move")))
			if s.Current == "server-each" {
				s.Change(decide.Operations, "moving onto one server", servers.Less(decide.N(1, "")).Times(s.P("data-move")))
				servers = decide.N(1, "server")
			}
		case "server-each":
			s.Days(decide.Operations, "schemas and logins", keepers.Times(s.P("schema")))
			s.Change(decide.Consistency, "giving each table one owner", s.M("sharing").Times(s.P("data-move")))
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
