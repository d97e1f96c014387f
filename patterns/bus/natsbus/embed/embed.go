// Package embed is a NATS server with JetStream inside the program: the bus of a
// laptop, or of a system that is one process. What it acknowledges is on the
// disk: it syncs always, where a NATS server's default is every two minutes.
package embed

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Options configure a Server. The zero value is the default.
type Options struct {
	// Folder holds the streams. Default: a temporary one that Close removes.
	Folder string
	// Host and Port to listen on; default 127.0.0.1 and a free port. Port -2: the
	// server listens nowhere and is reached only by InProcess.
	Host string
	Port int
	// NoSync leaves it to the operating system when data gets to the disk, which
	// is what other NATS servers do by default: a power cut loses acknowledged data.
	NoSync bool
	// MaxBytes of one message with headers; default 1 MiB.
	MaxBytes int
}

// Nowhere, as Options.Port, does not listen.
const Nowhere = -2

// Server is a running server.
type Server struct {
	s      *server.Server
	folder string // to remove
}

// Start starts a server and waits until it takes connections.
func Start(o *Options) (*Server, error) {
	if o == nil {
		o = &Options{}
	}
	opts := &server.Options{
		ServerName: "ashlar", Host: o.Host, Port: o.Port, JetStream: true, StoreDir: o.Folder, SyncAlways: !o.NoSync,
		NoSigs: true, NoLog: true, DontListen: o.Port == Nowhere, MaxPayload: int32(o.MaxBytes),
	}
	if opts.Host == "" {
		opts.Host = "127.0.0.1"
	}
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	e := &Server{}
	if opts.StoreDir == "" {
		dir, err := os.MkdirTemp("", "ashlar-nats-")
		if err != nil {
			return nil, fmt.Errorf("embed: %w", err)
		}
		opts.StoreDir, e.folder = dir, dir
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("embed: %w", err)
	}
	e.s = s
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		e.Close()
		return nil, errors.New("embed: the server did not start within 30 s; is its folder in use by another, or its port?")
	}
	return e, nil
}

// URL is where the server listens.
func (e *Server) URL() string { return e.s.ClientURL() }

// InProcess connects to the server without the network: for natsbus.Options.Client.
func (e *Server) InProcess() nats.Option { return nats.InProcessServer(e.s) }

// Close stops the server after its clients were told.
func (e *Server) Close() {
	e.s.Shutdown()
	e.s.WaitForShutdown()
	if e.folder != "" {
		_ = os.RemoveAll(e.folder) // a temporary folder
	}
}
