package cqrs

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseFilter fills the struct F from query parameters. A field is named by its
// tag, `filter:"state"`, and may list what is allowed: `filter:"state,open|paid"`.
// Fields are strings, integers, booleans, time.Time (RFC 3339), slices of these
// for parameters that may repeat, and pointers to tell "not given" from zero.
// All faults come at once, each an *ArgumentError.
func ParseFilter[F any](values url.Values) (filter F, err error) {
	v := reflect.ValueOf(&filter).Elem()
	if v.Kind() != reflect.Struct {
		return filter, fmt.Errorf("cqrs: filter %T is not a struct", filter)
	}
	var errs []error
	var known []string
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("filter")
		if !ok {
			continue
		}
		name, allowed, _ := strings.Cut(tag, ",")
		known = append(known, name)
		given := values[name]
		if len(given) == 0 {
			continue
		}
		if err := setField(v.Field(i), name, allowed, given); err != nil {
			errs = append(errs, err)
		}
	}
	for name := range values {
		if !slices.Contains(known, name) {
			errs = append(errs, &ArgumentError{name, values.Get(name), "unknown; there are: " + strings.Join(append(known, "cursor", "limit"), ", ")})
		}
	}
	return filter, errors.Join(errs...)
}

func setField(field reflect.Value, name, allowed string, given []string) error {
	if field.Kind() == reflect.Slice && field.Type().Elem().Kind() != reflect.Uint8 {
		field.Set(reflect.MakeSlice(field.Type(), len(given), len(given)))
		for i, text := range given {
			if err := setValue(field.Index(i), name, allowed, text); err != nil {
				return err
			}
		}
		return nil
	}
	if len(given) > 1 {
		return &ArgumentError{name, strings.Join(given, " "), "given more than once"}
	}
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	return setValue(field, name, allowed, given[0])
}

func setValue(field reflect.Value, name, allowed, text string) error {
	if allowed != "" && !slices.Contains(strings.Split(allowed, "|"), text) {
		return &ArgumentError{name, text, "want one of " + strings.ReplaceAll(allowed, "|", ", ")}
	}
	if field.Type() == reflect.TypeFor[time.Time]() {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return &ArgumentError{name, text, "want a time such as 2026-01-31T08:00:00Z"}
		}
		field.Set(reflect.ValueOf(at))
		return nil
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return &ArgumentError{name, text, "want true or false"}
		}
		field.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, field.Type().Bits())
		if err != nil {
			return &ArgumentError{name, text, "want a whole number"}
		}
		field.SetInt(n)
	default:
		return fmt.Errorf("cqrs: filter field %s is a %s, which ParseFilter cannot fill", name, field.Type())
	}
	return nil
}
