package sql_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/sql"
)

// brief writes a statement for comparison: verb, control, and each use as
// mode:table(columns; =columns set).
func brief(s sql.Statement) string {
	parts := []string{s.Verb}
	if s.Control != "" {
		parts = append(parts, string(s.Control))
	}
	if s.Locks {
		parts = append(parts, "locks")
	}
	if s.Dynamic {
		parts = append(parts, "dynamic")
	}
	if s.Procedure != "" {
		parts = append(parts, "proc:"+s.Procedure)
	}
	for _, u := range s.Uses {
		x := string(u.Mode) + ":" + u.Table
		var in []string
		if len(u.Columns) > 0 {
			in = append(in, strings.Join(u.Columns, ","))
		}
		if len(u.Sets) > 0 {
			in = append(in, "="+strings.Join(u.Sets, ","))
		}
		if len(in) > 0 {
			x += "(" + strings.Join(in, " ") + ")"
		}
		parts = append(parts, x)
	}
	return strings.Join(parts, " ")
}

func briefs(text string) string {
	var out []string
	for _, s := range sql.Parse(text) {
		out = append(out, brief(s))
	}
	return strings.Join(out, "; ")
}

func TestStatements(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"select * from orders", "select read:orders"},
		{"SELECT o.id, c.name AS who FROM Orders o JOIN public.customers c ON c.id = o.customer_id WHERE o.state = $1", "select read:orders(customer_id,id,state) read:customers(id,name)"},
		{"select id, sum(qty) total from line where order_id = ? group by id order by total desc limit 10", "select read:line(id,order_id,qty)"},
		{"select a from t1, t2 where t1.x = t2.y", "select read:t1(x) read:t2(y)"},
		{"select x from a left outer join b using (id) natural join c", "select read:a read:b read:c"},
		{"select 1", "select"},
		{"select count(*) from (select distinct o.id from orders o where o.at > now() - interval '1 day') q where q.id > 1", "select read:orders(at,id)"},
		{"with recent as (select id from orders where at > ?), x(a) as (select 1) select r.id, l.sku from recent r join line l on l.order_id = r.id", "select read:orders(at,id) read:line(order_id,sku)"},
		{"with gone as (delete from cart where at < $1 returning id) insert into cart_log (id) select id from gone", "insert write:cart(at,id) write:cart_log(id =id)"},
		{"select name from a union all select name from b order by 1", "select read:a(name) read:b(name)"},
		{"(select x from a) union (select y from b)", "select read:a(x) read:b(y)"},
		{"select p.* from product p where exists (select 1 from stock s where s.sku = p.sku and s.qty > 0)", "select read:product(sku) read:stock(qty,sku)"},
		{"select extract(year from o.at), substring(name from 1 for 2), trim(both ' ' from note) from orders o", "select read:orders(at,name,note)"},
		{"select case when a is null then 0 else b end as z, cast(c as integer), d::numeric(10,2) from t", "select read:t(a,b,c,d)"},
		{"select a from t where b is distinct from c and d between 1 and 2 and e like '%from x%'", "select read:t(a,b,c,d,e)"},
		{"select id from job where state = 'new' for update skip locked", "select locks read:job(id,state)"},
		{"select id from job order by at limit 1 for no key update of job nowait", "select locks read:job(at,id)"},
		{"select row_number() over (partition by c order by d) as n from t", "select read:t(c,d)"},
		{"select * from generate_series(1, 10) g join t on t.id = g", "select read:t(id)"},
		{"select [Order Id] from [dbo].[Orders] with (nolock) where [Order Id] = @id", "select read:orders(order id)"},
		{"select top (10) x from t", "select read:t(x)"},
		{"select `name` from `shop`.`user` use index (ix) where tags[1] = 'a'", "select read:shop.user(name,tags)"},
		{"select a from t -- from comment\nwhere b = 1 /* from x */ and c = 'it''s from y' and d = 'it\\'s from z'", "select read:t(a,b,c,d)"},
		{"select q from t where x = $tag$ from y $tag$ and y = e'\\'from z'", "select read:t(q,x,y)"},
		{"select * into temp x from orders", "select write:x read:orders"},
		{"select x from dual", "select"},
		{"insert into orders (id, customer_id) values (?, ?) returning id", "insert write:orders(customer_id,id =customer_id,id)"},
		{"INSERT INTO stock(sku, qty) VALUES ($1,$2),($3,$4) ON CONFLICT (sku) DO UPDATE SET qty = stock.qty + excluded.qty", "insert write:stock(qty,sku =qty,sku)"},
		{"insert ignore into t set a = 1, b = b + 1", "insert write:t(a,b =a,b)"},
		{"insert into t (a) values (1) on duplicate key update a = values(a), n = n + 1", "insert write:t(a,n =a,n)"},
		{"insert into archive select * from orders where at < ?", "insert write:archive read:orders(at)"},
		{"insert into archive (id) (select id from orders)", "insert write:archive(id =id) read:orders(id)"},
		{"replace into t values (1, 'a')", "replace write:t"},
		{"insert or replace into t values (1)", "insert write:t"},
		{"update orders set state = ?, at = now() where id = ?", "update write:orders(at,id,state =at,state)"},
		{"update account a set balance = a.balance - ? from customer c where c.id = a.owner", "update write:account(balance,owner =balance) read:customer(id)"},
		{"update o set o.state = 1 from orders o join line l on l.order_id = o.id", "update write:orders(id,state =state) read:line(order_id)"},
		{"update orders o join line l on l.order_id = o.id set o.total = l.price", "update write:orders(id,total =total) read:line(order_id,price)"},
		{"update t set (a, b) = (select x, y from u where u.id = t.id) where c = 1", "update write:t(a,b,c,id =a,b) read:u(id,x,y)"},
		{"delete from cart where id = :id", "delete write:cart(id)"},
		{"delete from cart using customer c where c.id = cart.owner and c.gone", "delete write:cart(owner) read:customer(gone,id)"},
		{"delete o from orders o join customer c on c.id = o.c where c.gone = 1", "delete write:orders(c) read:customer(gone,id)"},
		{"merge into stock s using delivery d on (s.sku = d.sku) when matched then update set s.qty = s.qty + d.qty when not matched then insert (sku, qty) values (d.sku, d.qty)", "merge write:stock(qty,sku =qty,sku) read:delivery(qty,sku)"},
		{"truncate table a, b restart identity", "truncate write:a write:b"},
		{"copy items (id, name) from stdin", "copy write:items(id,name =id,name)"},
		{"copy (select id from t) to '/x'", "copy read:t(id)"},
		{"lock table orders in exclusive mode", "lock locks read:orders"},
		{"begin", "begin begin"},
		{"BEGIN TRANSACTION; update t set a = 1; COMMIT;", "begin begin; update write:t(a =a); commit commit"},
		{"start transaction; rollback to savepoint x; release savepoint x; rollback", "start begin; rollback savepoint; release savepoint; rollback rollback"},
		{"prepare transaction 'x'; commit prepared 'x'; xa prepare 'y'", "prepare prepare; commit prepare; xa prepare"},
		{"call close_day(?)", "call proc:close_day"},
		{"exec dbo.CloseDay @d = 1", "exec proc:closeday"},
		{"select * from %s where id = %d", "select dynamic"},
		{"select * from orders_%d where id = ?", "select read:orders_*(id)"},
		{"select * from ${prefix}orders where id = #{id}", "select read:*orders(id)"},
		{"select * from " + sql.Hole + " o where o.id = 1", "select dynamic"},
		{"select " + sql.Hole + " from orders where a = 1", "select read:orders(a)"},
		{"select id from orders where a = 1 " + sql.Hole, "select read:orders(a,id)"},
		{"select {cols} from {{.Table}}", "select dynamic"},
		{"select a from t where json->>'from' = 'x' and b @> '{}'", "select read:t(a,b,json)"},
		{"select o.id from sales.orders o where sales.orders.id = 1", "select read:sales.orders(id)"},
		{"select id from orders where x in (?, ?) and (a, b) in (select c, d from pair)", "select read:orders(a,b,id,x) read:pair(c,d)"},
		{"explain analyze select a from t", "select read:t(a)"},
		{"create index concurrently if not exists ix on orders (customer_id desc)", "create define:orders(customer_id)"},
		{"the update of the table failed", ""},
		{"update failed", "update"},
		{"", ""},
		{"select", "select"},
		{"select a from", "select"},
		{"insert into", "insert"},
	} {
		if got := briefs(c.text); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestDefinitions(t *testing.T) {
	t.Parallel()
	const text = "CREATE TABLE IF NOT EXISTS orders (\n id BIGSERIAL PRIMARY KEY,\n customer_id bigint NOT NULL REFERENCES customer(id) ON DELETE CASCADE,\n" +
		" total numeric(10, 2) DEFAULT 0 CHECK (total >= 0),\n `key` varchar(20),\n CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES billing.invoice (x, y),\n UNIQUE (customer_id), KEY ix (total)\n) ENGINE=InnoDB;\n" +
		"ALTER TABLE line ADD COLUMN sku text NOT NULL, ADD CONSTRAINT f FOREIGN KEY (sku) REFERENCES product;\nDROP TABLE IF EXISTS old, older;\nCREATE VIEW v AS SELECT id FROM orders;\nCREATE TABLE copy AS SELECT * FROM line;\n" +
		"create function f() returns void as $$ begin delete from t; end $$ language plpgsql; delete from never"
	var got strings.Builder
	for _, s := range sql.Parse(text) {
		for _, d := range s.Defines {
			fmt.Fprintf(&got, "%+v\n", d)
		}
	}
	const want = `{Table:orders View:false Drop:false Alter:false Columns:[{Name:id Type:bigserial NotNull:false} {Name:customer_id Type:bigint NotNull:true} {Name:total Type:numeric NotNull:false} {Name:key Type:varchar NotNull:false}] PrimaryKey:[id] ForeignKeys:[{Columns:[customer_id] Table:customer Refs:[id]} {Columns:[a b] Table:billing.invoice Refs:[x y]}]}
{Table:line View:false Drop:false Alter:true Columns:[{Name:sku Type:text NotNull:true}] PrimaryKey:[] ForeignKeys:[{Columns:[sku] Table:product Refs:[]}]}
{Table:old View:false Drop:true Alter:false Columns:[] PrimaryKey:[] ForeignKeys:[]}
{Table:older View:false Drop:true Alter:false Columns:[] PrimaryKey:[] ForeignKeys:[]}
{Table:v View:true Drop:false Alter:false Columns:[] PrimaryKey:[] ForeignKeys:[]}
{Table:copy View:false Drop:false Alter:false Columns:[] PrimaryKey:[] ForeignKeys:[]}
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestProseIsNotSQL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"select id from orders where id = ?":    true,
		"  -- find them\n SELECT * FROM orders": true,
		"DELETE FROM cart":                      true,
		"INSERT INTO t VALUES (1)":              true,
		"begin":                                 true,
		"update failed":                         false,
		"select a plan from the list":           false,
		"delete the file":                       false,
		"insert coin":                           false,
		"with love":                             false,
		"commit the change that you made before anyone sees it": false,
		"values":   false,
		"call me":  false,
		"https://": false,
		"":         false,
	} {
		if got := sql.Looks(text); got != want {
			t.Errorf("Looks(%q) = %v", text, got)
		}
	}
}

func TestShapeKeepsNoData(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"SELECT  a\n FROM t -- secret\n WHERE b = 'hunter2' AND c IN (1, 2,3) and d>=$1": "select a from t where b = ? and c in (?) and d >= ?",
		"insert into t (a, b) values (?, 'x'), (3, 4)":                                   "insert into t(a, b) values (?), (?)",
		"select count(*) from " + sql.Hole:                                               "select count(*) from …",
	} {
		if got := sql.Shape(in); got != want {
			t.Errorf("%q:\n got %s\nwant %s", in, got, want)
		}
	}
}

// What is nested without end, or very long, takes time in proportion to its length.
func TestTimeIsLinear(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"parentheses": "select " + strings.Repeat("(", 200_000),
		"queries":     strings.Repeat("select * from (", 50_000),
		"unions":      "select a from t" + strings.Repeat(" union select b from u", 20_000),
		"statements":  strings.Repeat("insert into t (a) values (1);", 20_000),
		"values":      "insert into t (a, b) values " + strings.Repeat("(1, 'x'),", 50_000),
		"holes":       "select " + strings.Repeat("${", 50_000),
	} {
		start := time.Now()
		sql.Parse(text)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s: %d bytes took %v", name, len(text), d)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"select a.b from t a join u using (x)", "insert into t (a) values (1) on conflict do nothing", "with x as (select 1) update t set a = 'x' where b in (select 1)",
		"create table t (a int references u(b), primary key (a))", "merge into a using b on (1=1) when matched then delete", "select %s from ${x} where #{y} [z] $1 $$ e'\\''", "update o set a = 1 from t o", "delete a from b a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, st := range sql.Parse(s) {
			if st.Verb == "" || st.Offset < 0 || st.Offset > len(s) {
				t.Fatalf("%+v", st)
			}
			for _, u := range st.Uses {
				if u.Table == "" || u.Mode == "" {
					t.Fatalf("%+v", st)
				}
			}
		}
		sql.Looks(s)
		sql.Shape(s)
	})
}

func ExampleParse() {
	for _, st := range sql.Parse("select o.id, c.name from orders o join customer c on c.id = o.customer_id where o.state = ?") {
		for _, u := range st.Uses {
			fmt.Println(st.Verb, u.Mode, u.Table, u.Columns, "joined with", st.Joins(u.Table))
		}
	}
	// Output:
	// select read orders [customer_id id state] joined with [customer]
	// select read customer [id name] joined with [orders]
}
