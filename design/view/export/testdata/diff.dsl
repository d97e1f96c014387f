workspace "shop: What changed" {
  !identifiers flat
  model {
    external_bank = softwareSystem "bank" "external" "external"
    main_system = softwareSystem "shop: What changed" {
      group "billing" {
        service_payment = container "payment" "" "java" "service"
      }
      group "ordering" {
        service_inventory = container "inventory" "" "go" "service"
        service_order = container "order" "(changed)" "go" "service"
        service_web = container "web" "" "ui · typescript" "ui"
        store_orders = container "orders" "" "postgres" "store"
        store_stock = container "stock" "" "postgres" "store"
        topic_order_events = container "order-events" "" "kafka" "topic"
        topic_order_events_2Edlq = container "order-events.dlq" "" "kafka" "topic"
      }
      gateway_edge = container "edge" "" "kong" "gateway"
      service_audit = container "audit" "(added)" "" "service"
      service_k6 = container "k6" "" "load generator" "load generator"
      service_mailer = container "mailer" "(removed)" "job · python" "job"
      service_search = container "search" "" "" "missing"
    }
    gateway_edge -> service_search "routes to" "" "route"
    gateway_edge -> service_web "routes to" "" "route"
    service_audit -> store_orders "reads (added)" "" "read"
    service_inventory -> store_stock "writes" "" "write"
    service_k6 -> service_web "calls" "http" "sync"
    service_order -> service_inventory "calls 120/s grpc" "grpc" "sync"
    service_order -> service_payment "calls" "" "sync"
    service_order -> store_orders "writes" "sql" "write"
    service_order -> topic_order_events "118/s" "kafka" "publish,asynchronous"
    service_payment -> external_bank "calls 110/s" "http" "sync"
    service_web -> service_order "calls 120/s" "http" "sync"
    topic_order_events -> service_mailer "is read by (removed)" "" "subscribe,asynchronous"
    topic_order_events -> topic_order_events_2Edlq "dead letters" "" "dead-letter,asynchronous"
  }
  views {
    container main_system "containers" {
      include *
      autoLayout lr
    }
    styles {
      element "store" {
        shape cylinder
      }
      element "topic" {
        shape pipe
      }
      element "gateway" {
        shape hexagon
      }
      element "ui" {
        shape webBrowser
      }
      element "infrastructure" {
        shape component
        background #f4f5f7
        color #1c2430
      }
      element "load generator" {
        shape robot
        background #f4f5f7
        color #1c2430
      }
      element "missing" {
        border dashed
        background #ffffff
        color #b3261e
      }
      relationship "asynchronous" {
        style dashed
      }
    }
  }
}
