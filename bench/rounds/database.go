package rounds

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/url"
	"os"

	"github.com/jackc/pgx/v5"
)

// Database makes a database on the server of ASHLAR_POSTGRES; drop removes it.
func Database(ctx context.Context) (dsn string, drop func() error, err error) {
	server := os.Getenv("ASHLAR_POSTGRES")
	if server == "" {
		return "", nil, errors.New("ASHLAR_POSTGRES is not set: run make servers")
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, err
	}
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails
	name := "ashlar_bench_" + hex.EncodeToString(id[:])
	exec := func(query string) error {
		conn, err := pgx.Connect(context.WithoutCancel(ctx), server)
		if err != nil {
			return err
		}
		_, err = conn.Exec(context.WithoutCancel(ctx), query)
		return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	u.Path = "/" + name
	return u.String(), func() error { return exec("DROP DATABASE " + name + " WITH (FORCE)") }, exec("CREATE DATABASE " + name)
}

// Settings describes the server as far as it matters for durability.
func Settings(ctx context.Context, conn *pgx.Conn) (string, error) {
	var version, fsync, commit string
	err := conn.QueryRow(ctx, `SELECT split_part(version(), ' on ', 1), current_setting('fsync'), current_setting('synchronous_commit')`).Scan(&version, &fsync, &commit)
	return version + ", fsync=" + fsync + ", synchronous_commit=" + commit, err
}
