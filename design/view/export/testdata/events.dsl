workspace "shop: Events" {
  !identifiers flat
  model {
    main_system = softwareSystem "shop: Events" {
      group "ordering" {
        service_order = container "order" "" "go" "service" {
          properties {
            "ashlar.context" "ordering"
            "ashlar.ref" "service/order"
            "ashlar.team" "sales"
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
      service_mailer = container "mailer" "" "job · python" "job" {
        properties {
          "ashlar.ref" "service/mailer"
          "ashlar.team" "sales"
        }
      }
    }
    service_order -> topic_order_events "118/s" "kafka" "publish,asynchronous"
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
