package admin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Options of [Listen]; the zero value is the default.
type Options struct {
	// Address to listen on; default 127.0.0.1:0, a free port. Anything but
	// loopback is refused unless Exposed is set.
	Address string
	Exposed bool
	// Folder for the note; default [RuntimeFolder]. "-": write none.
	Folder  string
	Version string
}

// Note is what a running program leaves in the runtime folder, readable by its
// user only: how to reach its admin handler.
type Note struct {
	Program string    `json:"program"`
	PID     int       `json:"pid"`
	URL     string    `json:"url"`
	Token   string    `json:"token"`
	Started time.Time `json:"started"`
}

// Server is a running admin handler.
type Server struct {
	Note Note
	http *http.Server
	file string
	done chan error
}

// RuntimeFolder is where notes of running programs lie:
// $XDG_RUNTIME_DIR/ashlar, else ashlar-UID in the system's temporary folder.
func RuntimeFolder() string {
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		return filepath.Join(d, "ashlar")
	}
	return filepath.Join(os.TempDir(), "ashlar-"+strconv.Itoa(os.Getuid()))
}

// Listen serves the sections of a program on loopback until Close.
// Requests need the token of the note and a Host that is loopback, so that
// neither another user nor a page in a browser can act on the program.
func Listen(program string, opts *Options, sections ...Section) (*Server, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	if o.Folder == "" {
		o.Folder = RuntimeFolder()
	}
	if host, _, err := net.SplitHostPort(o.Address); err != nil {
		return nil, fmt.Errorf("admin: address %q: %w; want host:port, such as 127.0.0.1:7117", o.Address, err)
	} else if !o.Exposed && !loopback(host) {
		return nil, fmt.Errorf("admin: address %q is not loopback; set Exposed if others shall reach it", o.Address)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	var secret [24]byte
	_, _ = rand.Read(secret[:]) // never fails; see crypto/rand
	s := &Server{
		Note: Note{Program: program, PID: os.Getpid(), URL: "http://" + ln.Addr().String(), Token: hex.EncodeToString(secret[:]), Started: time.Now().UTC().Truncate(time.Second)},
		done: make(chan error, 1),
	}
	s.http = &http.Server{
		Handler:           guard(s.Note.Token, o.Exposed, Handler(Info{Program: program, Version: o.Version, PID: s.Note.PID}, sections...)),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	if o.Folder != "-" {
		if s.file, err = writeNote(o.Folder, s.Note); err != nil {
			_ = ln.Close()
			return nil, err
		}
	}
	go func() { s.done <- s.http.Serve(ln) }()
	return s, nil
}

// Close stops serving and removes the note. Requests under way get until ctx ends.
func (s *Server) Close(ctx context.Context) error {
	if s.file != "" {
		_ = os.Remove(s.file)
	}
	err := s.http.Shutdown(ctx)
	if serr := <-s.done; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}

func guard(token string, exposed bool, next http.Handler) http.Handler {
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !exposed && !loopback(host) {
			http.Error(w, "host is not loopback", http.StatusForbidden)
			return
		}
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(Problem{Status: http.StatusUnauthorized, Detail: "the token is missing or wrong; it lies in the program's note in the runtime folder"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func loopback(host string) bool {
	host = strings.Trim(host, "[]")
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func writeNote(folder string, n Note) (string, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("admin: runtime folder: %w", err)
	}
	if fi, err := os.Stat(folder); err != nil {
		return "", fmt.Errorf("admin: runtime folder: %w", err)
	} else if fi.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("admin: runtime folder %s is open to others (%s); make it 0700, or name another in Options.Folder", folder, fi.Mode().Perm())
	}
	b, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return "", err
	}
	name := filepath.Join(folder, n.Program+"."+strconv.Itoa(n.PID)+".json")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		return "", fmt.Errorf("admin: note: %w", err)
	}
	return name, nil
}
