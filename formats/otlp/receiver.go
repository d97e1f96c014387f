package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Receiver takes traces over the network as a collector does: OTLP/HTTP
// (protobuf and JSON, gzip) at /v1/traces and OTLP/gRPC, both on every address
// that it listens on. It is an [http.Handler]; gRPC needs a server that speaks
// HTTP/2 without TLS, which [Receiver.Listen] starts.
//
// Each is called for one span at a time, in the order in which requests are done.
// A request is answered when all its spans were taken; an error of Each is
// answered as unavailable, so that the sender tries again.
type Receiver struct {
	Each Each
	// MaxBytes bounds a request's body, decompressed; default [MaxMessage].
	MaxBytes int64
	// MaxRequests bounds the requests whose bodies are in memory at once; the others
	// wait. Default 16.
	MaxRequests int
	// AnyAddress allows Listen to take addresses that other machines can reach.
	AnyAddress bool

	mu     sync.Mutex
	reader Reader
	once   sync.Once
	places chan struct{}
}

// enter waits for a place among the requests that are read; leave gives it back.
func (r *Receiver) enter(ctx context.Context) (leave func(), err error) {
	r.once.Do(func() {
		n := r.MaxRequests
		if n <= 0 {
			n = 16
		}
		r.places = make(chan struct{}, n)
	})
	select {
	case r.places <- struct{}{}:
		return func() { <-r.places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

const (
	httpPath = "/v1/traces"
	grpcPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
)

// ErrNotLoopback: Listen was asked for an address that others can reach.
var ErrNotLoopback = errors.New("not an address of this machine alone; use 127.0.0.1 or [::1], or set AnyAddress")

// Server is a Receiver that listens.
type Server struct {
	// Addrs are the addresses that were bound, with their ports.
	Addrs []net.Addr
	srv   *http.Server
	wg    sync.WaitGroup
	errs  chan error
}

// Listen binds the addresses (default 127.0.0.1:4317 and 127.0.0.1:4318) and
// serves until Close.
func (r *Receiver) Listen(ctx context.Context, addrs ...string) (*Server, error) {
	if len(addrs) == 0 {
		addrs = []string{"127.0.0.1:4317", "127.0.0.1:4318"}
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s := &Server{errs: make(chan error, len(addrs)), srv: &http.Server{Handler: r, Protocols: &protocols, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}}
	var ls []net.Listener
	for _, a := range addrs {
		l, err := r.bind(ctx, a)
		if err != nil {
			for _, l := range ls {
				_ = l.Close()
			}
			return nil, fmt.Errorf("receive traces on %s: %w", a, err)
		}
		ls = append(ls, l)
		s.Addrs = append(s.Addrs, l.Addr())
	}
	for _, l := range ls {
		s.wg.Go(func() {
			if err := s.srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				s.errs <- err
			}
		})
	}
	return s, nil
}

func (r *Receiver) bind(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); !r.AnyAddress && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, ErrNotLoopback
	}
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", addr)
}

// Close lets requests that are under way finish, until ctx is done.
func (s *Server) Close(ctx context.Context) error {
	err := s.srv.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.srv.Close())
	}
	s.wg.Wait()
	select {
	case e := <-s.errs:
		err = errors.Join(err, e)
	default:
	}
	return err
}

func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if strings.HasPrefix(kind, "application/grpc") {
		r.serveGRPC(w, req)
		return
	}
	switch {
	case req.URL.Path != httpPath:
		http.Error(w, "traces go to "+httpPath, http.StatusNotFound)
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "want POST", http.StatusMethodNotAllowed)
	case kind != "application/x-protobuf" && kind != "application/json":
		http.Error(w, "want application/x-protobuf or application/json", http.StatusUnsupportedMediaType)
	default:
		r.serveHTTP(w, req, kind)
	}
}

func (r *Receiver) serveHTTP(w http.ResponseWriter, req *http.Request, kind string) {
	leave, err := r.enter(req.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer leave()
	body, err := r.body(req.Body, req.Header.Get("Content-Encoding"))
	if err == nil {
		err = r.take(body, kind == "application/json")
	}
	if err != nil {
		status := http.StatusBadRequest
		var retry *takeError
		switch {
		case errors.As(err, &retry):
			status = http.StatusServiceUnavailable
		case errors.Is(err, errTooLarge):
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", kind)
	if kind == "application/json" {
		_, _ = io.WriteString(w, "{}")
	}
}

var errTooLarge = errors.New("the request is too large")

// takeError is an error of Each.
type takeError struct{ err error }

func (e *takeError) Error() string { return "not taken: " + e.err.Error() }
func (e *takeError) Unwrap() error { return e.err }

func (r *Receiver) limit() int64 {
	if r.MaxBytes > 0 {
		return r.MaxBytes
	}
	return MaxMessage
}

// body reads at most the limit, decompressed.
func (r *Receiver) body(from io.Reader, encoding string) ([]byte, error) {
	switch encoding {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(from)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		from = z
	default:
		return nil, fmt.Errorf("content encoding %.20q: want gzip or none", encoding)
	}
	b, err := io.ReadAll(io.LimitReader(from, r.limit()+1))
	if err == nil && int64(len(b)) > r.limit() {
		err = fmt.Errorf("%w: more than %d bytes", errTooLarge, r.limit())
	}
	return b, err
}

// take decodes a whole request before it gives the first span away, so that one
// that is refused can be sent again without counting twice.
func (r *Receiver) take(b []byte, isJSON bool) error {
	nothing := func(*Resource, *Span) error { return nil }
	decode := func(each Each) error { return r.reader.Traces(b, each) }
	if isJSON {
		decode = func(each Each) error {
			err := JSON(bytes.NewReader(b), each)
			if errors.Is(err, ErrNoTraces) {
				return nil // an empty request is one, too
			}
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := decode(nothing); err != nil {
		return err
	}
	return decode(func(res *Resource, s *Span) error {
		if err := r.Each(res, s); err != nil {
			return &takeError{err}
		}
		return nil
	})
}

// gRPC status codes.
const (
	grpcOK              = 0
	grpcInvalidArgument = 3
	grpcTooLarge        = 8
	grpcUnimplemented   = 12
	grpcUnavailable     = 14
)

func (r *Receiver) serveGRPC(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	code, err := grpcUnimplemented, error(nil)
	if req.URL.Path == grpcPath && req.ProtoMajor == 2 {
		code, err = r.unary(req)
	}
	w.WriteHeader(http.StatusOK)
	if code == grpcOK {
		_, _ = w.Write(make([]byte, 5)) // an empty message
	}
	w.Header().Set("Grpc-Status", strconv.Itoa(code))
	if err != nil {
		w.Header().Set("Grpc-Message", percent(err.Error()))
	}
}

// unary reads one length-prefixed message: a byte that says whether it is
// compressed, four of length, the message.
func (r *Receiver) unary(req *http.Request) (int, error) {
	leave, err := r.enter(req.Context())
	if err != nil {
		return grpcUnavailable, err
	}
	defer leave()
	var head [5]byte
	if _, err := io.ReadFull(req.Body, head[:]); err != nil {
		return grpcInvalidArgument, fmt.Errorf("no message: %w", err)
	}
	n := int64(binary.BigEndian.Uint32(head[1:]))
	if n > r.limit() {
		return grpcTooLarge, fmt.Errorf("%w: %d bytes", errTooLarge, n)
	}
	encoding := ""
	if head[0] == 1 {
		encoding = req.Header.Get("Grpc-Encoding")
	}
	b, err := r.body(io.LimitReader(req.Body, n), encoding)
	if err == nil && head[0] == 0 && int64(len(b)) < n {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = r.take(b, false)
	}
	var retry *takeError
	switch {
	case err == nil:
		return grpcOK, nil
	case errors.As(err, &retry):
		return grpcUnavailable, err
	case errors.Is(err, errTooLarge):
		return grpcTooLarge, err
	}
	return grpcInvalidArgument, err
}

// percent encodes a message for a trailer.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
