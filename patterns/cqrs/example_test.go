package cqrs_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
)

type reserve struct {
	Room string `json:"room"`
}

type reserved struct {
	Number int64 `json:"number"`
}

// The client sends the same command twice, as one does after a timeout: it
// takes effect once and both answers are the same.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "cqrs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	sqlDB, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "hotel.db")+"?_pragma=journal_mode(wal)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		panic(err)
	}
	defer sqlDB.Close()
	_, _ = sqlDB.Exec(`CREATE TABLE reservation (number integer PRIMARY KEY, room text UNIQUE)`)

	db := cqrs.SQL(sqlDB, cqrs.DialectSQLite)
	keys, _ := cqrs.NewKeys(db, nil)
	if err := keys.Migrate(ctx, cqrs.Latest); err != nil {
		panic(err)
	}
	command := cqrs.Command[*sql.Tx, reserve, reserved]{
		Name: "reserve",
		Handle: func(ctx context.Context, tx *sql.Tx, c reserve) (reserved, error) {
			res, err := tx.ExecContext(ctx, `INSERT INTO reservation (room) VALUES (?) ON CONFLICT DO NOTHING`, c.Room)
			if err != nil {
				return reserved{}, err
			}
			if n, _ := res.RowsAffected(); n == 0 {
				return reserved{}, cqrs.Reject(http.StatusConflict, "taken", "room %s is taken", c.Room)
			}
			number, err := res.LastInsertId()
			return reserved{Number: number}, err
		},
	}
	for range 2 {
		receipt, err := command.Execute(ctx, keys, "ann", "5e9d3a6c", reserve{Room: "12"})
		fmt.Printf("number %d, replayed %v, %v\n", receipt.Result.Number, receipt.Replayed, err)
	}
	_, err = command.Execute(ctx, keys, "ann", "5e9d3a6c", reserve{Room: "13"})
	fmt.Println(err)
	_, err = command.Execute(ctx, keys, "bob", "77aa01bc", reserve{Room: "12"})
	fmt.Println(err)

	// The same over HTTP: POST /reservations with an Idempotency-Key.
	http.Handle("POST /reservations", command.Handler(keys, nil))
	// Output:
	// number 1, replayed false, <nil>
	// number 1, replayed true, <nil>
	// cqrs: idempotency key "5e9d3a6c" was used before with a different request; draw a new key for a new request
	// taken: room 12 is taken
}

type roomFilter struct {
	Floor *int     `filter:"floor"`
	State []string `filter:"state,free|taken"`
}

func ExampleQuery() {
	rooms := cqrs.Query[roomFilter, string]{
		Name: "rooms",
		Fetch: func(_ context.Context, page cqrs.Page[roomFilter]) ([]string, error) {
			// SELECT number FROM room WHERE number > $1 ORDER BY number LIMIT $2
			after := ""
			if page.After != nil {
				after = page.After[0]
			}
			var list []string
			for _, number := range []string{"11", "12", "13"} {
				if number > after && len(list) < page.Limit {
					list = append(list, number)
				}
			}
			return list, nil
		},
		Place: func(number string) []string { return []string{number} },
	}
	page, err := rooms.Do(context.Background(), roomFilter{}, "", 2)
	fmt.Println(page.Items, err)
	page, err = rooms.Do(context.Background(), roomFilter{}, page.Next, 2)
	fmt.Println(page.Items, page.Next == "", err)
	// Output:
	// [11 12] <nil>
	// [13] true <nil>
}
