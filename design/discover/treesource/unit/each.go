package unit

// Each shows f every expression in a body, those inside of functions and of other
// expressions too, outer ones first.
func Each(body []Stmt, f func(*Expr)) {
	for i := range body {
		each(body[i].X, f)
		Each(body[i].Body, f)
	}
}

func each(e *Expr, f func(*Expr)) {
	if e == nil {
		return
	}
	f(e)
	each(e.X, f)
	for i := range e.Args {
		each(&e.Args[i], f)
	}
	if e.Fn != nil {
		Each(e.Fn.Body, f)
	}
}
