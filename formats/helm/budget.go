package helm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// budget bounds one rendering. It is not for concurrent use.
type budget struct {
	ctx    context.Context
	limits Limits
	end    time.Time
	steps  int
	made   int64
	depth  int // of include, template and tpl
}

func newBudget(ctx context.Context, l Limits) *budget {
	return &budget{ctx: ctx, limits: l, end: time.Now().Add(l.Time)}
}

// stopped ends a rendering from inside a template's function, which can only
// return errors or panic.
type stopped struct{ error }

func (b *budget) stop(format string, args ...any) error {
	return stopped{fmt.Errorf("rendering stopped: "+format+": %w", append(args, ErrLimit)...)}
}

// step is taken once a loop turn and once a template call.
func (b *budget) step() error {
	if b.steps++; b.steps > b.limits.Steps {
		return b.stop("more than %d loop turns and template calls", b.limits.Steps)
	}
	if b.steps%256 == 0 {
		if err := b.ctx.Err(); err != nil {
			return stopped{err}
		}
		if time.Now().After(b.end) {
			return b.stop("it takes more than %s", b.limits.Time)
		}
	}
	return nil
}

// spend counts what a function makes.
func (b *budget) spend(n int64) error {
	if b.made += n; b.made > b.limits.Made || n > b.limits.Made {
		return b.stop("its functions make more than %d MiB", b.limits.Made>>20)
	}
	return nil
}

// maxNesting bounds values, which templates can tie into loops, and calls of
// templates within each other.
const (
	maxNesting = 200
	maxCalls   = 1000
)

var errLoop = errors.New("nested too deep; does a value hold itself?")

// weigh counts what a value stands for when it is written out: bytes of texts and
// one a value. It ends early when that is over the limit.
func weigh(v any, limit int64) (int64, error) {
	var n int64
	err := weighInto(v, &n, limit, 0)
	return n, err
}

func weighInto(v any, n *int64, limit int64, depth int) error {
	if *n++; *n > limit || depth > maxNesting {
		return errLoop
	}
	switch x := v.(type) {
	case nil, bool, float64, int, int64:
	case string:
		*n += int64(len(x))
	case []byte:
		*n += int64(len(x))
	case map[string]any:
		for k, e := range x {
			*n += int64(len(k))
			if err := weighInto(e, n, limit, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range x {
			if err := weighInto(e, n, limit, depth+1); err != nil {
				return err
			}
		}
	case []string:
		for _, e := range x {
			*n += int64(len(e)) + 1
		}
	default:
		return weighOther(reflect.ValueOf(v), n, limit, depth)
	}
	if *n > limit {
		return errLoop
	}
	return nil
}

func weighOther(v reflect.Value, n *int64, limit int64, depth int) error {
	switch v.Kind() {
	case reflect.String:
		*n += int64(v.Len())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := weighInto(v.Index(i).Interface(), n, limit, depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if err := weighInto(it.Value().Interface(), n, limit, depth+1); err != nil {
				return err
			}
		}
	}
	if *n > limit {
		return errLoop
	}
	return nil
}

// shallow counts a value without what it refers to.
func shallow(v reflect.Value) int64 {
	for v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return int64(v.Len())
	case reflect.Slice, reflect.Map:
		return 16 * int64(v.Len())
	}
	return 1
}

// output takes what a template writes.
type output struct {
	bytes.Buffer
	limit int
	b     *budget
}

// noValue is what text/template writes for what is not there; Helm drops it.
var noValue = []byte("<no value>")

func (o *output) Write(p []byte) (int, error) {
	if bytes.Equal(p, noValue) {
		return len(p), nil
	}
	if o.Len()+len(p) > o.limit {
		return 0, o.b.stop("a template writes more than %d MiB", o.limit>>20)
	}
	if err := o.b.spend(int64(len(p))); err != nil {
		return 0, err
	}
	return o.Buffer.Write(p)
}
