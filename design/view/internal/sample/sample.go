// Package sample has the systems that the tests of the views draw.
package sample

import (
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// Shop has five services in two contexts, with a saga, topics and a journey.
func Shop() arch.System {
	op := func(svc, name string) arch.Ref { return arch.NewRef(arch.KindOp, svc, name) }
	table := func(st, name string) arch.Ref { return arch.NewRef(arch.KindTable, st, name) }
	calls := func(cs ...arch.Call) map[string]arch.Call {
		m := map[string]arch.Call{}
		for _, c := range cs {
			m[arch.CallID(c.To, 1)] = c
		}
		return m
	}
	do := func(to arch.Ref) arch.Step { return arch.Step{Kind: arch.Do, Call: arch.CallID(to, 1)} }
	events := arch.NewRef(arch.KindTopic, "order-events")
	bank := arch.NewRef(arch.KindExternal, "bank")
	return arch.System{
		Name: "shop",
		Contexts: map[string]arch.Context{
			"ordering": {Kind: "core", Relations: map[string]string{"billing": "anticorruption-layer"},
				Aggregates: map[string]arch.Aggregate{"order": {Root: "Order", Tables: []arch.Ref{table("orders", "order"), table("orders", "line")}}},
				Events:     map[string]arch.Event{"OrderPlaced": {Version: "1", Topic: events}}},
			"billing": {Kind: "supporting"},
		},
		Teams: map[string]arch.Team{"sales": {Size: arch.Some(5)}, "money": {Size: arch.Some(4)}},
		Services: map[string]arch.Service{
			"web": {Role: arch.RoleUI, Lang: "typescript", Context: "ordering", Owner: "sales", Operations: map[string]arch.Operation{
				"Checkout": {Trigger: "GET /checkout", Calls: calls(arch.Call{To: op("order", "Place"), Access: "call", Protocol: "http", Rate: arch.Some(120.)}),
					Body: arch.Step{Kind: arch.Seq, Steps: []arch.Step{do(op("order", "Place"))}}}}},
			"order": {Context: "ordering", Owner: "sales", Lang: "go", Operations: map[string]arch.Operation{
				"Place": {Trigger: "POST /v1/orders", Idempotent: arch.Some(true),
					Calls: calls(
						arch.Call{To: op("inventory", "Check"), Access: "call", Protocol: "grpc", Rate: arch.Some(120.),
							Layers: []arch.Policy{{Layer: "code", Timeout: arch.Some(200 * time.Millisecond), Retry: &arch.Retry{Attempts: arch.Some(3)}}}},
						arch.Call{To: table("orders", "customer"), Access: "read", Protocol: "sql"},
						arch.Call{To: table("orders", "order"), Access: "write", Protocol: "sql", Tx: "t1"},
						arch.Call{To: events, Access: "publish", Protocol: "kafka", Tx: "t1", Rate: arch.Some(118.)},
						arch.Call{To: arch.NewRef(arch.KindSaga, "fulfil")}),
					Body: arch.Step{Kind: arch.Seq, Steps: []arch.Step{
						{Kind: arch.Par, Steps: []arch.Step{do(op("inventory", "Check")), do(table("orders", "customer"))}},
						do(table("orders", "order")), do(events), do(arch.NewRef(arch.KindSaga, "fulfil"))}}}}},
			"inventory": {Context: "ordering", Owner: "sales", Lang: "go", Operations: map[string]arch.Operation{
				"Check":   {Trigger: "grpc shop.v1.Inventory/Check", Calls: calls(arch.Call{To: table("stock", "item"), Access: "read"}), Body: do(table("stock", "item"))},
				"Reserve": {Trigger: "grpc shop.v1.Inventory/Reserve", Calls: calls(arch.Call{To: table("stock", "item"), Access: "write"})},
				"Release": {Trigger: "grpc shop.v1.Inventory/Release", Calls: calls(arch.Call{To: table("stock", "item"), Access: "write"})}}},
			"payment": {Context: "billing", Owner: "money", Lang: "java", Operations: map[string]arch.Operation{
				"Charge": {Trigger: "grpc shop.v1.Payment/Charge", Calls: calls(arch.Call{To: bank, Access: "call", Protocol: "http", Rate: arch.Some(110.)}),
					Body: arch.Step{Kind: arch.Loop, Times: arch.Const(2), Steps: []arch.Step{do(bank)}}}}},
			"mailer": {Role: arch.RoleJob, Owner: "sales", Lang: "python", Operations: map[string]arch.Operation{
				"Confirm": {Trigger: "topic order-events"}}},
			"k6": {Role: arch.RoleLoadgen, Uses: map[string]arch.Call{"service/web#1": {To: "service/web", Access: "call", Protocol: "http"}}},
		},
		Stores: map[string]arch.Store{
			"orders": {Kind: "postgres", Owner: "service/order", Tables: map[string]arch.Table{
				"order":    {Columns: []string{"id", "customer"}, ForeignKeys: map[string]arch.Ref{"customer": table("orders", "customer")}},
				"line":     {Columns: []string{"order", "item"}, ForeignKeys: map[string]arch.Ref{"order": table("orders", "order"), "item": table("stock", "item")}},
				"customer": {Columns: []string{"id"}}}},
			"stock": {Kind: "postgres", Owner: "service/inventory", Tables: map[string]arch.Table{"item": {Columns: []string{"id", "count"}}}},
		},
		Topics: map[string]arch.Topic{
			"order-events":     {Broker: "kafka", Partitions: arch.Some(12), DeadLetter: "order-events.dlq", Events: map[string]string{"OrderPlaced": "1"}},
			"order-events.dlq": {Broker: "kafka"},
		},
		Gateways:  map[string]arch.Gateway{"edge": {Kind: "kong", Hosts: []string{"shop.example"}, Routes: []arch.Route{{ID: "a", Path: "/*", To: "service/web"}, {ID: "b", Path: "/search", To: "service/search"}}}},
		Externals: map[string]arch.External{"bank": {Objectives: []arch.Objective{{Availability: arch.Some(.999)}}}},
		Sagas: map[string]arch.Saga{"fulfil": {Owner: "service/order", Steps: []arch.SagaStep{
			{Name: "reserve", Action: op("inventory", "Reserve"), Compensation: op("inventory", "Release")},
			{Name: "charge", Action: op("payment", "Charge"), Pivot: true}}}},
		Journeys: map[string]arch.Journey{"buy": {Entry: op("web", "Checkout"), Rate: arch.Some(120.)}},
		Deployments: map[string]arch.Deployment{
			"prod/order": {Of: "service/order", Replicas: arch.Some(3), Zones: arch.Some(3)}, "prod/web": {Of: "service/web", Replicas: arch.Some(2), Max: arch.Some(10)},
			"prod/inventory": {Of: "service/inventory", Replicas: arch.Some(2)}, "prod/payment": {Of: "service/payment", Replicas: arch.Some(1)},
			"prod/orders": {Of: "store/orders", Replicas: arch.Some(1)}, "staging/order": {Of: "service/order", Replicas: arch.Some(1)}, "staging/k6": {Of: "service/k6"},
		},
	}
}

// Lines builds a system of lines like these:
//
//	@ordering               the context of the services that follow; "@" for none
//	order: payment stock    order calls payment and stock
//	order = orders/postgres order uses the store
//	order > order-events    order publishes
//	mailer < order-events   mailer subscribes
//	gateway! gateway        the role of a service
func Lines(name, text string) arch.System {
	s := arch.System{Name: name, Services: map[string]arch.Service{}, Stores: map[string]arch.Store{}, Topics: map[string]arch.Topic{}}
	context := ""
	service := func(n string) arch.Service {
		svc, ok := s.Services[n]
		if !ok {
			svc = arch.Service{Uses: map[string]arch.Call{}}
			s.Services[n] = svc
		}
		return svc
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if line[0] == '@' {
			context = line[1:]
			continue
		}
		at := strings.IndexAny(line, ":=><!")
		from, rest := strings.TrimSpace(line[:at]), strings.Fields(line[at+1:])
		svc := service(from)
		if line[at] == ':' {
			svc.Context = context
		}
		for _, to := range rest {
			c := arch.Call{To: arch.NewRef(arch.KindService, to), Access: "call", Protocol: "http"}
			switch line[at] {
			case '=':
				st, kind, _ := strings.Cut(to, "/")
				s.Stores[st] = arch.Store{Kind: kind}
				c = arch.Call{To: arch.NewRef(arch.KindStore, st)}
			case '>', '<':
				s.Topics[to] = arch.Topic{Broker: "rabbitmq"}
				c = arch.Call{To: arch.NewRef(arch.KindTopic, to), Access: map[byte]string{'>': "publish", '<': "subscribe"}[line[at]]}
			case '!':
				svc.Role = to
				continue
			}
			svc.Uses[arch.CallID(c.To, 1)] = c
		}
		s.Services[from] = svc
	}
	return s
}

// Bookshop has twelve services without contexts.
func Bookshop() arch.System {
	return Lines("bookshop", `
		storefront: catalogue cart checkout recommendations adverts currency
		storefront! ui
		catalogue: 
		cart:
		checkout: cart catalogue currency payment delivery mail
		recommendations: catalogue
		adverts:
		currency:
		payment:
		delivery:
		mail:
		loader: storefront
		loader! loadgen
		collector:
		collector! telemetry
		storefront: collector catalogue cart checkout recommendations adverts currency
		cart = cart-cache/redis
		catalogue = books/postgres
		payment = ledger/postgres
		delivery = ledger/postgres
		checkout > orders
		mail < orders
		delivery < orders
	`)
}

// Railway has 45 services, 26 stores and 130 or so connections: the size at
// which maps become hard to read.
func Railway() arch.System { return Lines("railway", railway) }

const railway = `
	@
	portal: gateway
	portal! ui
	gateway: auth user verify-code route-map timetable seat-map search search-fast journey-planner booking booking-rail rebooking cancelling execution payment-inside consignment food news voucher avatar admin-orders admin-routes admin-travel admin-users admin-basics wait-list
	gateway! gateway
	@identity
	auth: verify-code user
	user: auth
	verify-code:
	avatar:
	auth = auth-db/mysql
	user = user-db/mysql
	@planning
	station:
	train:
	route-map: station
	timetable: station train route-map
	config:
	price:
	basic-info: station train route-map price
	seat-map: order order-other config timetable
	search: basic-info seat-map order route-map train timetable
	search-fast: basic-info seat-map order-other route-map train
	route-plan: search search-fast route-map
	journey-planner: search search-fast route-plan seat-map train station
	station = station-db/mysql
	train = train-db/mysql
	route-map = route-db/mysql
	config = config-db/mysql
	price = price-db/mysql
	search = trip-db/mysql
	search-fast = trip-fast-db/mysql
	@orders
	order: station
	order-other: station
	booking: search seat-map assurance contacts food consignment order user security station notification
	booking-rail: search-fast seat-map assurance contacts food consignment order-other user security station notification
	rebooking: order order-other search search-fast seat-map payment-inside route-map station
	cancelling: order order-other payment-inside user notification
	execution: order order-other
	wait-list: order contacts booking
	security: order order-other
	contacts:
	order = order-db/mysql
	order-other = order-other-db/mysql
	security = security-db/mysql
	contacts = contacts-db/mysql
	wait-list = wait-db/mysql
	@money
	payment: 
	payment-inside: order order-other payment
	assurance:
	voucher: order order-other
	payment = payment-db/mysql
	payment-inside = inside-db/mysql
	assurance = assurance-db/mysql
	voucher = voucher-db/mysql
	@extras
	food: food-map station search
	food-map:
	delivery: 
	consignment: consignment-price
	consignment-price:
	notification:
	news:
	food = food-db/mysql
	food-map = food-map-db/mysql
	consignment = consignment-db/mysql
	consignment-price = consignment-price-db/mysql
	delivery = delivery-db/mysql
	notification = notification-db/mysql
	food > food-delivery
	delivery < food-delivery
	booking > email
	notification < email
	@back office
	admin-orders: order order-other
	admin-routes: route-map station
	admin-travel: search search-fast
	admin-users: user
	admin-basics: station train config price contacts
`
