package driver

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Validate joins all faults of a registration, each a *InvalidError.
func (r *Registration) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, &InvalidError{Field: field, Fault: fmt.Sprintf(format, args...)})
	}
	if err := ValidName(r.Service); err != nil {
		bad("Service", "%v", err)
	}
	if r.ID == "" {
		bad("ID", "is empty; it must be unique among all instances of all services")
	}
	if r.Port < 0 || r.Port > 65535 {
		bad("Port", "%d is not between 0 and 65535", r.Port)
	}
	if r.Weight < 0 {
		bad("Weight", "%d is negative", r.Weight)
	}
	if strings.Contains(r.Address, "/") || (strings.Contains(r.Address, ":") && net.ParseIP(r.Address) == nil) {
		bad("Address", "%q is not a host name or an IP address; the port has its own field", r.Address)
	}
	if slices.Contains(r.Tags, "") {
		bad("Tags", "a tag is empty")
	}
	if r.DeregisterAfter < 0 {
		bad("DeregisterAfter", "%s is negative; 0 means never", r.DeregisterAfter)
	}
	seen := map[string]bool{}
	for i := range r.Checks {
		field := fmt.Sprintf("Checks[%d]", i)
		c := &r.Checks[i]
		if c.Name == "" || seen[c.Name] {
			bad(field+".Name", "%q must be unique and not empty", c.Name)
		}
		seen[c.Name] = true
		c.faults(func(f, format string, args ...any) { bad(field+f, format, args...) })
	}
	return errors.Join(errs...)
}

func (c *Check) faults(bad func(field, format string, args ...any)) {
	kinds := 0
	for _, set := range []bool{c.HTTP != "", c.TCP != "", c.GRPC != "", c.TTL != 0} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		bad("", "has %d of HTTP, TCP, GRPC and TTL; want exactly one", kinds)
		return
	}
	switch {
	case c.HTTP != "":
		if u, err := url.Parse(c.HTTP); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			bad(".HTTP", "%q is not a URL such as http://10.0.0.7:8080/ready", c.HTTP)
		}
	case c.TCP != "":
		if _, _, err := net.SplitHostPort(c.TCP); err != nil {
			bad(".TCP", "%q is not host:port", c.TCP)
		}
	case c.GRPC != "":
		host, _, _ := strings.Cut(c.GRPC, "/")
		if _, _, err := net.SplitHostPort(host); err != nil {
			bad(".GRPC", "%q is not host:port or host:port/service", c.GRPC)
		}
	case c.TTL < 0:
		bad(".TTL", "%s is negative", c.TTL)
	}
	if c.Interval < 0 || c.Timeout < 0 {
		bad(".Interval", "interval %s and timeout %s must not be negative", c.Interval, c.Timeout)
	}
	if c.TTL == 0 {
		if d := c.WithDefaults(); d.Timeout > d.Interval {
			bad(".Timeout", "%s is longer than the interval of %s; runs would pile up", d.Timeout, d.Interval)
		}
	}
}

// WithDefaults returns c with its defaults filled in.
func (c Check) WithDefaults() Check {
	if c.TTL > 0 {
		return c
	}
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	if c.Timeout == 0 {
		c.Timeout = min(DefaultTimeout, c.Interval)
	}
	if c.HTTP != "" && c.Method == "" {
		c.Method = "GET"
	}
	return c
}

// ValidName says what is wrong with a service's name: drivers put it into
// paths, DNS names and file names. A port's name may follow a colon.
func ValidName(name string) error {
	if name == "" {
		return errors.New("is empty")
	}
	if len(name) > 253 {
		return fmt.Errorf("has %d characters; want at most 253", len(name))
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r) {
			return fmt.Errorf("%q has a %q; want letters, digits, '-', '_', '.' and ':'", name, r)
		}
	}
	if strings.Trim(name, ".") == "" {
		return fmt.Errorf("%q has no letters", name)
	}
	return nil
}
