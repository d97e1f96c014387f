package telemetry

import (
	"context"
	"encoding/binary"
	"net/http"
)

// Carrier is where a trace travels: the headers of a message, of a request.
// Names are compared as the transport does. http.Header has these methods
// already, but for Keys; [Headers] wraps it.
type Carrier interface {
	Get(name string) string
	Set(name, value string)
	Keys() []string
}

// Inject writes the context's trace into a carrier.
func (t *Telemetry) Inject(ctx context.Context, c Carrier) { t.bridge.Propagator.Inject(ctx, c) }

// Extract returns ctx with the trace that a carrier has; without one, or with a
// malformed one, ctx as it is.
func (t *Telemetry) Extract(ctx context.Context, c Carrier) context.Context {
	return t.bridge.Propagator.Extract(ctx, c)
}

// extract is Extract for the headers of a request. Most have a traceparent of
// today's version and nothing beside it, which is read here at a quarter of the
// cost; everything else is left to the propagators.
func (t *Telemetry) extract(ctx context.Context, h http.Header) context.Context {
	if !t.opts.B3 && len(h["Baggage"]) == 0 && len(h["Tracestate"]) == 0 {
		parents := h["Traceparent"]
		if len(parents) == 0 {
			return ctx
		}
		if isTraceparent(parents[0]) {
			return &remote{Context: ctx, header: [1]string{parents[0]}, far: true}
		}
	}
	return t.Extract(ctx, Headers(h))
}

// isTraceparent reports whether s is 00-TRACE-SPAN-FLAGS (W3C Trace Context,
// 3.2). What it does not take may still be a later version.
func isTraceparent(s string) bool {
	const none = "0000000000000000"
	return len(s) == 55 && s[:3] == "00-" && s[35] == '-' && s[52] == '-' &&
		s[53] == '0' && s[54]-'0' <= 3 && // sampled, random; the other flags are not of this version
		hexes(word(s[3:11])) && hexes(word(s[11:19])) && hexes(word(s[19:27])) && hexes(word(s[27:35])) &&
		hexes(word(s[36:44])) && hexes(word(s[44:52])) &&
		(s[3:19] != none || s[19:35] != none) && s[36:52] != none
}

const ones, tops = 0x0101010101010101, 0x8080808080808080

// word is eight bytes, the first one on top.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[7]) | uint64(s[6])<<8 | uint64(s[5])<<16 | uint64(s[4])<<24 |
		uint64(s[3])<<32 | uint64(s[2])<<40 | uint64(s[1])<<48 | uint64(s[0])<<56
}

// hexes reports whether eight bytes are small hex digits, as the standard asks.
// The top bit of a byte says whether it reached what was taken from 0x80; bytes
// below 0x80 do not carry into each other.
func hexes(x uint64) bool {
	digit := (x + (0x80-'0')*ones) &^ (x + (0x7f-'9')*ones)
	letter := (x + (0x80-'a')*ones) &^ (x + (0x7f-'f')*ones)
	return x&tops == 0 && (digit|letter)&tops == tops
}

// unhex reads 16 hex digits that were looked at before.
func unhex(s string) uint64 { return pack(word(s[:8]))<<32 | pack(word(s[8:16])) }

// pack puts the digits of eight bytes side by side.
func pack(x uint64) uint64 {
	x = x&(0x0f*ones) + 9*(x>>6&ones) // letters have this bit, digits have not
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return (x | x>>16) & 0xffffffff
}

// putHex writes 16 small hex digits.
func putHex(to []byte, x uint64) {
	binary.BigEndian.PutUint64(to[8:16], unpack(x&0xffffffff))
	binary.BigEndian.PutUint64(to[:8], unpack(x>>32))
}

// unpack is the reverse of pack: the eight digits of a 32-bit number.
func unpack(x uint64) uint64 {
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & (0x0f * ones)
	letters := (x + 6*ones) >> 4 & ones // ten and above carry into the next four bits
	return x + '0'*ones + letters*('a'-'0'-10)
}
