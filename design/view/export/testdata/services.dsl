workspace "shop: Services" {
  !identifiers flat
  model {
    external_bank = softwareSystem "bank" "external" "external" {
      properties {
        "ashlar.ref" "external/bank"
      }
    }
    main_system = softwareSystem "shop: Services" {
      group "billing" {
        service_payment = container "payment" "" "java" "service" {
          properties {
            "ashlar.context" "billing"
            "ashlar.ref" "service/payment"
            "ashlar.team" "money"
          }
        }
      }
      group "ordering" {
        service_inventory = container "inventory" "" "go" "service" {
          properties {
            "ashlar.context" "ordering"
            "ashlar.ref" "service/inventory"
            "ashlar.team" "sales"
          }
        }
        service_order = container "order" "[1 finding: high]" "go" "service" {
          properties {
            "ashlar.context" "ordering"
            "ashlar.ref" "service/order"
            "ashlar.team" "sales"
          }
        }
        service_web = container "web" "" "ui · typescript" "ui" {
          properties {
            "ashlar.context" "ordering"
            "ashlar.ref" "service/web"
            "ashlar.team" "sales"
          }
        }
        store_orders = container "orders" "" "postgres" "store" {
          properties {
            "ashlar.ref" "store/orders"
          }
        }
        store_stock = container "stock" "[1 finding: info]" "postgres" "store" {
          properties {
            "ashlar.ref" "store/stock"
          }
        }
        topic_order_events = container "order-events" "" "kafka" "topic" {
          properties {
            "ashlar.ref" "topic/order-events"
          }
        }
        topic_order_events_2Edlq = container "order-events.dlq" "" "kafka" "topic" {
          properties {
            "ashlar.ref" "topic/order-events%2Edlq"
          }
        }
      }
      gateway_edge = container "edge" "" "kong" "gateway" {
        properties {
          "ashlar.ref" "gateway/edge"
        }
      }
      service_k6 = container "k6" "" "load generator" "load generator" {
        properties {
          "ashlar.ref" "service/k6"
        }
      }
      service_mailer = container "mailer" "" "job · python" "job" {
        properties {
          "ashlar.ref" "service/mailer"
          "ashlar.team" "sales"
        }
      }
      service_search = container "search" "" "" "missing" {
        properties {
          "ashlar.ref" "service/search"
        }
      }
    }
    gateway_edge -> service_search "routes to" "" "route"
    gateway_edge -> service_web "routes to" "" "route"
    service_inventory -> store_stock "writes" "" "write"
    service_k6 -> service_web "calls" "http" "sync"
    service_order -> service_inventory "calls 120/s grpc [1 finding: medium]" "grpc" "sync"
    service_order -> service_payment "calls" "" "sync"
    service_order -> store_orders "writes" "sql" "write"
    service_order -> topic_order_events "118/s" "kafka" "publish,asynchronous"
    service_payment -> external_bank "calls 110/s" "http" "sync"
    service_web -> service_order "calls 120/s" "http" "sync"
    topic_order_events -> service_mailer "is read by" "" "subscribe,asynchronous"
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
