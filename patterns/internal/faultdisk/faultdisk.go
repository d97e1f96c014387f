// Package faultdisk is a disk for tests: a virtual file system under SQLite that
// knows what of each file was synced, so that a test can take the power away,
// and that can be full, or fail to sync.
package faultdisk

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Disk passes everything on to the operating system's files. All methods may be
// called concurrently.
type Disk struct {
	VFS  string      // its name, for the parameter vfs of a DSN
	Full atomic.Bool // writes fail with SQLITE_FULL
	Sick atomic.Bool // syncs fail

	mu    sync.Mutex
	files map[string]*image
}

// image is a file as the platter has it, and what has been written since.
type image struct {
	synced  []byte
	pending []write
}

// write of data at an offset, or with nil data a truncation to it.
type write struct {
	off  int64
	data []byte
}

func (b *image) apply(w write) {
	if w.data == nil {
		b.synced = b.synced[:min(int64(len(b.synced)), w.off)]
		return
	}
	if end := w.off + int64(len(w.data)); end > int64(len(b.synced)) {
		b.synced = append(b.synced, make([]byte, end-int64(len(b.synced)))...)
	}
	copy(b.synced[w.off:], w.data)
}

// Cut returns the files as a power cut now would leave them: what was synced,
// and of each file's later writes any beginning, the last of them torn.
func (d *Disk) Cut(r *rand.Rand) map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[string][]byte{}
	for name, f := range d.files {
		c := image{synced: append([]byte(nil), f.synced...)}
		n := 0
		if len(f.pending) > 0 {
			n = r.IntN(len(f.pending) + 1)
		}
		for i, w := range f.pending[:n] {
			if i == n-1 && len(w.data) > 512 {
				w.data = w.data[:512*r.IntN(len(w.data)/512+1)]
				if len(w.data) == 0 {
					continue
				}
			}
			c.apply(w)
		}
		out[name] = c.synced
	}
	return out
}

// Forget drops all that was not synced.
func (d *Disk) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		f.pending = nil
	}
}

// Restore writes files into a folder of their own and returns it.
func Restore(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var (
	disksMu sync.Mutex
	disks   = map[string]*Disk{}    // by VFS name
	open    = map[uintptr]*opened{} // by sqlite3_file
	methods = map[uintptr]uintptr{} // a table of the system's io_methods -> a copy with ours in between
)

type opened struct {
	d      *Disk
	name   string
	system sqlite3.Tsqlite3_io_methods
}

// New registers a disk for the rest of the process.
func New(t testing.TB) *Disk {
	t.Helper()
	tls := libc.NewTLS() // SQLite keeps what it allocates for as long as it runs
	under := sqlite3.Xsqlite3_vfs_find(tls, 0)
	disksMu.Lock()
	defer disksMu.Unlock()
	d := &Disk{VFS: fmt.Sprintf("disk%d", len(disks)), files: map[string]*image{}}
	name, err := libc.CString(d.VFS)
	if err != nil {
		t.Fatal(err)
	}
	v := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	vfs := at[sqlite3.Tsqlite3_vfs](v)
	*vfs = *at[sqlite3.Tsqlite3_vfs](under)
	vfs.FzName = name
	vfs.FxOpen, vfs.FxDelete = fn(xOpen), fn(xDelete)
	if rc := sqlite3.Xsqlite3_vfs_register(tls, v, 0); rc != sqlite3.SQLITE_OK {
		t.Fatalf("registering the VFS: %d", rc)
	}
	disks[d.VFS] = d
	return d
}

// at is what SQLite has at an address of its own memory, which is none of Go's.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// fn is a Go function as SQLite's translation calls it.
func fn[F any](f F) uintptr {
	p := new(F)
	*p = f
	pinned = append(pinned, p)
	return *(*uintptr)(unsafe.Pointer(p))
}

var pinned []any // keeps closures that SQLite points to

func xOpen(tls *libc.TLS, pVfs, zName, pFile uintptr, flags int32, pOut uintptr) int32 {
	under := sqlite3.Xsqlite3_vfs_find(tls, 0)
	next := at[sqlite3.Tsqlite3_vfs](under).FxOpen
	rc := (*(*func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32)(unsafe.Pointer(&struct{ p uintptr }{next})))(tls, under, zName, pFile, flags, pOut)
	if rc != sqlite3.SQLITE_OK || zName == 0 {
		return rc
	}
	disksMu.Lock()
	defer disksMu.Unlock()
	d := disks[libc.GoString(at[sqlite3.Tsqlite3_vfs](pVfs).FzName)]
	f := at[sqlite3.Tsqlite3_file](pFile)
	system := *at[sqlite3.Tsqlite3_io_methods](f.FpMethods)
	if methods[f.FpMethods] == 0 { // there are several: with locks, without
		p := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(system)))
		m := at[sqlite3.Tsqlite3_io_methods](p)
		*m = system
		m.FxWrite, m.FxTruncate, m.FxSync, m.FxClose = fn(xWrite), fn(xTruncate), fn(xSync), fn(xClose)
		methods[f.FpMethods] = p
	}
	f.FpMethods = methods[f.FpMethods]
	name := filepath.Base(libc.GoString(zName))
	open[pFile] = &opened{d, name, system}
	d.mu.Lock()
	if d.files[name] == nil {
		d.files[name] = &image{}
	}
	d.mu.Unlock()
	return rc
}

// xDelete is taken to be on the platter at once: the one file that SQLite deletes
// here is the rollback journal of the file's creation.
func xDelete(tls *libc.TLS, pVfs, zName uintptr, syncDir int32) int32 {
	under := sqlite3.Xsqlite3_vfs_find(tls, 0)
	disksMu.Lock()
	d := disks[libc.GoString(at[sqlite3.Tsqlite3_vfs](pVfs).FzName)]
	disksMu.Unlock()
	d.mu.Lock()
	delete(d.files, filepath.Base(libc.GoString(zName)))
	d.mu.Unlock()
	next := at[sqlite3.Tsqlite3_vfs](under).FxDelete
	return (*(*func(*libc.TLS, uintptr, uintptr, int32) int32)(unsafe.Pointer(&struct{ p uintptr }{next})))(tls, under, zName, syncDir)
}

func find(pFile uintptr) *opened {
	disksMu.Lock()
	defer disksMu.Unlock()
	return open[pFile]
}

func xWrite(tls *libc.TLS, pFile, buf uintptr, n int32, off int64) int32 {
	o := find(pFile)
	if o.d.Full.Load() {
		return sqlite3.SQLITE_FULL
	}
	data := append([]byte(nil), unsafe.Slice(at[byte](buf), n)...)
	o.d.mu.Lock()
	if f := o.d.files[o.name]; f != nil {
		f.pending = append(f.pending, write{off, data})
	}
	o.d.mu.Unlock()
	return (*(*func(*libc.TLS, uintptr, uintptr, int32, int64) int32)(unsafe.Pointer(&struct{ p uintptr }{o.system.FxWrite})))(tls, pFile, buf, n, off)
}

func xTruncate(tls *libc.TLS, pFile uintptr, size int64) int32 {
	o := find(pFile)
	o.d.mu.Lock()
	if f := o.d.files[o.name]; f != nil {
		f.pending = append(f.pending, write{off: size})
	}
	o.d.mu.Unlock()
	return (*(*func(*libc.TLS, uintptr, int64) int32)(unsafe.Pointer(&struct{ p uintptr }{o.system.FxTruncate})))(tls, pFile, size)
}

// xSync need not reach the real disk: the image is the disk.
func xSync(_ *libc.TLS, pFile uintptr, _ int32) int32 {
	o := find(pFile)
	if o.d.Sick.Load() {
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	o.d.mu.Lock()
	defer o.d.mu.Unlock()
	if f := o.d.files[o.name]; f != nil {
		for _, w := range f.pending {
			f.apply(w)
		}
		f.pending = nil
	}
	return sqlite3.SQLITE_OK
}

func xClose(tls *libc.TLS, pFile uintptr) int32 {
	o := find(pFile)
	disksMu.Lock()
	delete(open, pFile)
	disksMu.Unlock()
	return (*(*func(*libc.TLS, uintptr) int32)(unsafe.Pointer(&struct{ p uintptr }{o.system.FxClose})))(tls, pFile)
}
