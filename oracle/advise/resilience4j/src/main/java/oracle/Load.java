package oracle;

import io.github.resilience4j.bulkhead.BulkheadRegistry;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.github.resilience4j.retry.RetryRegistry;
import io.github.resilience4j.springboot3.bulkhead.autoconfigure.BulkheadProperties;
import io.github.resilience4j.springboot3.circuitbreaker.autoconfigure.CircuitBreakerProperties;
import io.github.resilience4j.springboot3.retry.autoconfigure.RetryProperties;
import io.github.resilience4j.springboot3.timelimiter.autoconfigure.TimeLimiterProperties;
import io.github.resilience4j.timelimiter.TimeLimiterRegistry;
import java.time.Duration;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.bind.BindHandler;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.handler.NoUnboundElementsBindHandler;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Starts a Spring application on the file that the first argument names, refuses
 * keys that Resilience4j does not know, and prints what its registries then hold,
 * a line a number: kind, instance, name, value. Times are in milliseconds.
 */
@EnableAutoConfiguration
public class Load {
  public static void main(String[] args) {
    try (ConfigurableApplicationContext c =
        new SpringApplicationBuilder(Load.class)
            .web(WebApplicationType.NONE)
            .bannerMode(Banner.Mode.OFF)
            .logStartupInfo(false)
            .run("--spring.config.location=file:" + args[0])) {
      Binder b = Binder.get(c.getEnvironment());
      strict(b, "timelimiter", new TimeLimiterProperties());
      strict(b, "retry", new RetryProperties());
      strict(b, "circuitbreaker", new CircuitBreakerProperties());
      strict(b, "bulkhead", new BulkheadProperties());
      limits(c);
      retries(c);
      breakers(c);
      bulkheads(c);
    }
  }

  static <T> void strict(Binder b, String name, T into) {
    b.bind("resilience4j." + name, Bindable.ofInstance(into), new NoUnboundElementsBindHandler(BindHandler.DEFAULT));
  }

  static void say(String kind, String instance, String name, Object value) {
    System.out.println("value\t" + kind + "\t" + instance + "\t" + name + "\t" + value);
  }

  static void limits(ConfigurableApplicationContext c) {
    for (var t : c.getBean(TimeLimiterRegistry.class).getAllTimeLimiters()) {
      say("timelimiter", t.getName(), "timeout", t.getTimeLimiterConfig().getTimeoutDuration().toMillis());
    }
  }

  static void retries(ConfigurableApplicationContext c) {
    for (var r : c.getBean(RetryRegistry.class).getAllRetries()) {
      say("retry", r.getName(), "attempts", r.getRetryConfig().getMaxAttempts());
      long most = 0, least = Long.MAX_VALUE;
      for (int i = 0; i < 1000; i++) { // waits are drawn
        long w = r.getRetryConfig().getIntervalBiFunction().apply(1, null);
        most = Math.max(most, w);
        least = Math.min(least, w);
      }
      say("retry", r.getName(), "least wait", least);
      say("retry", r.getName(), "most wait", most);
    }
  }

  static void breakers(ConfigurableApplicationContext c) {
    for (var b : c.getBean(CircuitBreakerRegistry.class).getAllCircuitBreakers()) {
      var k = b.getCircuitBreakerConfig();
      say("circuitbreaker", b.getName(), "type", k.getSlidingWindowType());
      say("circuitbreaker", b.getName(), "window", k.getSlidingWindowSize());
      say("circuitbreaker", b.getName(), "calls", k.getMinimumNumberOfCalls());
      say("circuitbreaker", b.getName(), "failures", k.getFailureRateThreshold());
      say("circuitbreaker", b.getName(), "slow", k.getSlowCallDurationThreshold().toMillis());
      say("circuitbreaker", b.getName(), "slow calls", k.getSlowCallRateThreshold());
      say("circuitbreaker", b.getName(), "opens after", opens(b));
    }
  }

  /** How many failures in a row open the breaker, -1 when a hundred thousand do not. */
  static int opens(CircuitBreaker b) {
    for (int i = 1; i <= 100_000; i++) {
      b.onError(1, java.util.concurrent.TimeUnit.MILLISECONDS, new RuntimeException("failed"));
      if (b.getState() == CircuitBreaker.State.OPEN) {
        return i;
      }
    }
    return -1;
  }

  static void bulkheads(ConfigurableApplicationContext c) {
    for (var b : c.getBean(BulkheadRegistry.class).getAllBulkheads()) {
      var k = b.getBulkheadConfig();
      say("bulkhead", b.getName(), "calls", k.getMaxConcurrentCalls());
      Duration w = k.getMaxWaitDuration();
      say("bulkhead", b.getName(), "wait", w.toMillis());
      int in = 0;
      while (in <= k.getMaxConcurrentCalls() && b.tryAcquirePermission()) {
        in++;
      }
      say("bulkhead", b.getName(), "let in", in);
    }
  }
}
