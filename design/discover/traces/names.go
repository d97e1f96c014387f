package traces

import (
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// template replaces the parts of a path that differ by request: numbers, UUIDs,
// hashes. A query goes away, whatever it holds.
func template(s string) string {
	if strings.Contains(s, "/") {
		s, _, _ = strings.Cut(s, "?")
		s, _, _ = strings.Cut(s, "#")
	}
	if !strings.ContainsAny(s, "0123456789@%=") {
		return s
	}
	sep := "/"
	if !strings.Contains(s, sep) {
		return s
	}
	parts := strings.Split(s, sep)
	for i, p := range parts {
		if variable(p) {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, sep)
}

// variable: a path segment that is a value.
func variable(p string) bool {
	if p == "" || strings.HasPrefix(p, "{") || strings.HasPrefix(p, ":") {
		return false
	}
	digits, letters, hex, other := 0, 0, 0, 0
	for _, c := range p {
		switch {
		case c >= '0' && c <= '9':
			digits++
			hex++
		case c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F':
			letters++
			hex++
		case c == '-' || c == '_' || c == '.':
		case c == '@' || c == '%' || c == '=':
			other++
		default:
			letters++
		}
	}
	switch {
	case other > 0: // an address, something encoded
		return true
	case digits == 0:
		return false
	case letters == 0: // 123, 2024-01-31
		return true
	case len(p) >= 8 && hex >= len(p)-4 && digits >= 2: // a UUID, a hash
		return true
	}
	return len(p) >= 16 && digits >= 4 // tokens; v1, oauth2 and level-3 stay
}

// pathOf is the path of a URL or a request target.
func pathOf(s string) string {
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
		j := strings.IndexByte(s, '/')
		if j < 0 {
			return "/"
		}
		s = s[j:]
	}
	s, _, _ = strings.Cut(s, "?")
	s, _, _ = strings.Cut(s, "#")
	return s
}

// hostOfURL is the host of a URL, with neither user nor password.
func hostOfURL(s string) (string, bool) {
	i := strings.Index(s, "://")
	if i < 0 {
		return "", false
	}
	s = s[i+3:]
	if j := strings.IndexAny(s, "/?#"); j >= 0 {
		s = s[:j]
	}
	if j := strings.LastIndexByte(s, '@'); j >= 0 {
		s = s[j+1:]
	}
	return s, s != ""
}

// storeKind is the model's word for a database product.
func storeKind(system, statement string) string {
	s := strings.ToLower(system)
	switch s {
	case "postgresql", "postgres":
		return "postgres"
	case "mongo", "mongodb":
		return "mongodb"
	case "microsoft.sql_server", "mssql", "sqlserver":
		return "sqlserver"
	case "oracle.db", "oracle":
		return "oracle"
	case "ibm.db2", "db2":
		return "db2"
	case "aws.dynamodb", "dynamodb":
		return "dynamodb"
	case "azure.cosmosdb", "cosmosdb":
		return "cosmosdb"
	case "memcache", "memcached":
		return "memcached"
	case "sql", "other_sql", "":
		if statement != "" {
			return "sql"
		}
		return s
	}
	return s
}

// storeWords are how span names call stores.
var storeWords = map[string]string{
	"mongo": "mongodb", "mongodb": "mongodb", "redis": "redis", "memcached": "memcached", "memcache": "memcached", "mmc": "memcached",
	"mysql": "mysql", "mariadb": "mariadb", "postgres": "postgres", "postgresql": "postgres", "cassandra": "cassandra",
	"dynamodb": "dynamodb", "elasticsearch": "elasticsearch", "sqlite": "sqlite",
}

func protocolOf(system string) string {
	switch system {
	case "postgres", "mysql", "mariadb", "sql", "sqlserver", "oracle", "db2", "sqlite", "cockroachdb", "clickhouse", "h2", "hsqldb", "derby", "trino", "spanner":
		return "sql"
	}
	return system
}

// wordsOf finds a store and what is done to it in the words of a name; words
// behind the store's count first: write_timeline_mongo_find.
func wordsOf(name string) (system, access string) {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' })
	at := -1
	for i, w := range words {
		if s, ok := storeWords[w]; ok {
			system, at = s, i
		}
	}
	if at < 0 {
		return "", ""
	}
	for _, w := range append(words[at+1:len(words):len(words)], words[:at]...) {
		if a := accessOf(w); a != "" {
			return system, a
		}
	}
	return system, ""
}

// accessOf is what a verb of a database does; "" when it may be either.
func accessOf(verb string) string {
	switch strings.ToLower(verb) {
	case "select", "find", "get", "mget", "hget", "hgetall", "hmget", "read", "query", "scan", "count", "aggregate", "exists", "lrange", "zrange", "zrevrange",
		"zrangebyscore", "smembers", "scard", "sismember", "keys", "ttl", "getmore", "search", "batchgetitem", "getitem", "distinct", "show", "llen", "zscore", "zcard", "fetch":
		return arch.AccessRead
	case "insert", "update", "delete", "set", "mset", "hset", "hmset", "setex", "setnx", "psetex", "del", "incr", "decr", "incrby", "decrby", "hincrby", "expire", "lpush", "rpush",
		"lpop", "rpop", "zadd", "zrem", "sadd", "srem", "replace", "merge", "upsert", "truncate", "put", "write", "add", "store", "findandmodify", "putitem", "updateitem",
		"deleteitem", "batchwriteitem", "bulkwrite", "create", "drop", "alter", "append", "hdel", "unlink", "remove", "getset", "copy", "touch", "index", "bulk":
		return arch.AccessWrite
	}
	return ""
}

// tableName cleans a table's name: no quotes, no schema where it is the default.
func tableName(s string) string {
	s = strings.NewReplacer("`", "", `"`, "", "[", "", "]", "").Replace(strings.TrimSpace(s))
	for _, p := range []string{"public.", "dbo."} {
		s = strings.TrimPrefix(s, p)
	}
	if len(s) > 120 || strings.ContainsAny(s, " \t\n,()") {
		return ""
	}
	return s
}

func firstWord(s string) string {
	s = strings.TrimLeft(s, " \t\r\n(")
	for i, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_') {
			s = s[:i]
			break
		}
	}
	if len(s) > 24 {
		return ""
	}
	return strings.ToLower(s)
}
