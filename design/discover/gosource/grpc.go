package gosource

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// grpcClientType reports whether a type is a client of generated code: its methods
// take call options.
func (w *walker) grpcClientType(t types.Type) bool {
	n := named(t)
	if n == nil {
		return false
	}
	if strings.HasSuffix(n.Obj().Name(), "Client") {
		if i, ok := n.Underlying().(*types.Interface); ok {
			for m := range i.Methods() {
				if takesCallOptions(m) {
					return true
				}
			}
		}
	}
	return false
}

func takesCallOptions(m *types.Func) bool {
	sig, ok := m.Type().(*types.Signature)
	if !ok || !sig.Variadic() {
		return false
	}
	n := named(sig.Params().At(sig.Params().Len() - 1).Type().(*types.Slice).Elem())
	return n != nil && n.Obj().Name() == "CallOption" && pkgOf(n.Obj()) == "google.golang.org/grpc"
}

// grpc reads calls of generated clients and registrations of servers.
func (f *fn) grpc(e *ast.CallExpr, o *types.Func) bool {
	name := o.Name()
	if strings.HasPrefix(name, "Register") && strings.HasSuffix(name, "Server") && len(e.Args) == 2 && recvName(o) == "" {
		if id := typeID(f.info.TypeOf(e.Args[1])); id != "" {
			f.sum.Serves = append(f.sum.Serves, serve{pkgOf(o), strings.TrimSuffix(strings.TrimPrefix(name, "Register"), "Server"), id, f.id, f.position(e.Pos())})
		}
		return true
	}
	if !isInterface(o) || !takesCallOptions(o) {
		return false
	}
	sel, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	svc := strings.TrimSuffix(recvName(o), "Client")
	c := client{Client: code.Client{Method: f.id, Kind: "grpc", Target: f.text(sel.X), Verb: name, Pos: f.position(e.Pos())}, Service: pkgOf(o) + "#" + svc}
	if k, ok := o.Pkg().Scope().Lookup(svc + "_" + name + "_FullMethodName").(*types.Const); ok && k.Val().Kind() == constant.String {
		c.Verb = strings.TrimPrefix(constant.StringVal(k.Val()), "/")
	}
	f.around(&c, e)
	c.Policy.Layer = arch.LayerCode
	if len(e.Args) > 0 {
		d, known, limited := f.deadline(e.Args[0])
		if known {
			c.Policy.Timeout = arch.Some(d)
		} else if !limited && background(f, e.Args[0]) {
			c.Policy.Timeout = arch.Some(d)
		}
		c.Limited = limited && !known
		c.Context = f.limit(e.Args[0])
	}
	f.sum.Clients = append(f.sum.Clients, c)
	return true
}

// background: a context that comes from no request has no deadline of a caller.
func background(f *fn, e ast.Expr) bool {
	c, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	o := f.callee(c)
	return o != nil && pkgOf(o) == "context" && (o.Name() == "Background" || o.Name() == "TODO")
}

// generatedFunction finds the full names of gRPC methods in generated code.
func (w *walker) generatedFunction(d *ast.FuncDecl, _ *types.Func) {
	if d.Recv == nil {
		return
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		tv, ok := w.info.Types[e]
		if !ok || tv.Value == nil || tv.Value.Kind() != constant.String {
			return true
		}
		full := constant.StringVal(tv.Value)
		if !strings.HasPrefix(full, "/") || strings.Count(full, "/") != 2 || !strings.HasSuffix(full, "/"+d.Name.Name) {
			return true
		}
		svc := strings.TrimSuffix(full[1:], "/"+d.Name.Name)
		goName := svc[strings.LastIndexByte(svc, '.')+1:]
		for i := range w.sum.Services {
			if s := &w.sum.Services[i]; s.Full == svc {
				for _, m := range s.Methods {
					if m == d.Name.Name {
						return false
					}
				}
				s.Methods = append(s.Methods, d.Name.Name)
				return false
			}
		}
		w.sum.Services = append(w.sum.Services, grpcService{goName, svc, []string{d.Name.Name}})
		return false
	})
}

// fileHead is the start of the file that a declaration stands in.
func (w *walker) fileHead(d ast.Node) []byte {
	name := w.w.fset.Position(d.Pos()).Filename
	for _, f := range w.p.files {
		if f.path == name {
			return f.src[:min(len(f.src), 200)]
		}
	}
	return nil
}
