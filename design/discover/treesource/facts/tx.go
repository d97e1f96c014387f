package facts

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// outOf are propagations that run without a transaction of their own.
var outOf = []string{"NOT_SUPPORTED", "NEVER", "SUPPORTS", "MANDATORY"}

// transactions finds methods that commit as one: by annotation on them or their
// type, or because the container does it for every method of an EJB.
func (r *reader) transactions(t *link.Type) {
	if aside(t) {
		return
	}
	onType := t.Unit.Mark("Transactional", "TransactionAttribute")
	ejb := t.Unit.Mark("Stateless", "Stateful", "MessageDriven")
	if ejb == nil && t.Unit.Mark("Singleton") != nil && imports(t, "javax.ejb", "jakarta.ejb") {
		ejb = t.Unit.Mark("Singleton")
	}
	if m := t.Unit.Mark("TransactionManagement"); m != nil && strings.HasSuffix(word(m.Arg("value")), "BEAN") {
		ejb = nil
	}
	for _, m := range t.Methods {
		mark := m.Unit.Mark("Transactional", "TransactionAttribute")
		kind := "annotation"
		switch {
		case mark != nil:
		case m.Unit.Internal || m.Unit.Static || m.Unit.Name == "<init>" || m.Unit.Bare && t.Unit.Kind != unit.Interface:
			continue
		case onType != nil:
			mark = onType
		case ejb != nil:
			mark, kind = ejb, "container"
		default:
			continue
		}
		if slices.Contains(outOf, unit.Last(word(mark.Arg("propagation", "value")))) && kind == "annotation" {
			continue
		}
		id := string(m.ID)
		r.tx[m] = id
		r.g.Tx[id] = code.Transaction{ID: id, Method: m.ID, Kind: kind, Pos: code.Pos{File: t.File.Path, Line: mark.Line, Col: 1}}
	}
}

// word is the last name of an expression: REQUIRED of Propagation.REQUIRED.
func word(e *unit.Expr) string {
	if e == nil {
		return ""
	}
	return e.Text
}

func imports(t *link.Type, packages ...string) bool {
	return slices.ContainsFunc(t.File.Imports, func(im unit.Import) bool {
		return slices.ContainsFunc(packages, func(p string) bool { return im.Package == p || strings.HasPrefix(im.Package, p+".") })
	})
}

// txOf is the transaction that a site runs in: that of its method, of a function
// that is handed to a template, or one that the method has begun by hand.
func (r *reader) txOf(s *link.Site) string {
	for _, h := range s.Held {
		if h.Kind == unit.Call && (h.Text == "execute" || h.Text == "executeWithoutResult" || h.Text == "inTransaction" || h.Text == "transaction" || h.Text == "useTransaction" || h.Text == "transactional") && h.X != nil && r.template(s, h) {
			return r.opened(s, "explicit", int(h.Line))
		}
	}
	if tx := r.tx[s.In]; tx != "" {
		return tx
	}
	if r.cur == nil || r.cur.m != s.In {
		return ""
	}
	switch root := s.Recv.Root(); {
	case s.Call.Text == "begin" && (root == "EntityTransaction" || root == "UserTransaction" || root == "EntityManager" || root == "Session"), s.Call.Text == "beginTransaction",
		s.Call.Text == "getTransaction" && strings.HasSuffix(root, "TransactionManager"),
		s.Call.Text == "setAutoCommit" && len(s.Call.Args) == 1 && s.Call.Args[0].Text == "false", s.Call.Text == "BeginTransaction" || s.Call.Text == "BeginTransactionAsync":
		r.cur.tx = r.opened(s, "explicit", int(s.Call.Line))
	case s.Call.Text == "commit" || s.Call.Text == "setAutoCommit" || s.Call.Text == "Commit" || s.Call.Text == "CommitAsync":
		defer func() { r.cur.tx = "" }()
	}
	return r.cur.tx
}

func (r *reader) template(s *link.Site, h *unit.Expr) bool {
	if h.X.Kind == unit.Name {
		if v := s.Scope.Var(h.X.Text); v != nil {
			return v.Type.Is("TransactionTemplate", "TransactionOperations", "TransactionalOperator", "Jdbi", "DSLContext", "Sequelize", "DataSource", "PrismaClient")
		}
		if _, f := r.Program.Field(s.In.Type, h.X.Text); f != nil {
			return strings.Contains(f.Type, "Transaction") || strings.Contains(f.Type, "Jdbi") || strings.Contains(f.Type, "DSLContext")
		}
	}
	return strings.Contains(strings.ToLower(h.X.Text), "transactiontemplate")
}

func (r *reader) opened(s *link.Site, kind string, line int) string {
	p := code.Pos{File: s.In.Type.File.Path, Line: max(1, line), Col: 1}
	id := string(s.In.ID) + ":" + itoa(line)
	if _, ok := r.g.Tx[id]; !ok {
		r.g.Tx[id] = code.Transaction{ID: id, Method: s.In.ID, Kind: kind, Pos: p}
	}
	return id
}
