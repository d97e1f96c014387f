package kubereg_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/kubereg"
)

// cluster is a real kube-apiserver with its etcd, and no controllers: what lies
// in it is what the test puts there.
type cluster struct {
	url, etcd, version string
	http               *http.Client
}

// The tokens of its users: an administrator, one who may read EndpointSlices of
// the namespace shop, one who may do nothing.
const admin, reader, nobody = "admin-token", "reader-token", "nobody-token"

// startCluster runs the binaries of $ASHLAR_KUBERNETES.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	folder := os.Getenv("ASHLAR_KUBERNETES")
	if folder == "" {
		script, err := filepath.Abs("../../../scripts/oracle/kubernetes-agent.sh")
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), script).Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		folder = strings.TrimSpace(string(out))
	}
	home := t.TempDir()
	p := freePorts(t, 3)
	c := &cluster{url: "https://127.0.0.1:" + p[0], etcd: "http://127.0.0.1:" + p[1]}
	c.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certificate(t, home), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}}
	t.Cleanup(c.http.CloseIdleConnections)
	write(t, home, "tokens.csv", []byte(admin+",admin,1,system:masters\n"+reader+",reader,2\n"+nobody+",nobody,3\n"))
	peer := "http://127.0.0.1:" + p[2]
	run(t, home, filepath.Join(folder, "etcd"), "--data-dir", filepath.Join(home, "etcd"), "--unsafe-no-fsync", "--listen-client-urls", c.etcd, "--advertise-client-urls", c.etcd,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	at := func(name string) string { return filepath.Join(home, name) }
	// Without its cache every watch reads etcd, where a test can take old versions away.
	run(t, home, filepath.Join(folder, "kube-apiserver"), "--etcd-servers", c.etcd, "--watch-cache=false", "--bind-address", "127.0.0.1", "--secure-port", p[0],
		"--tls-cert-file", at("tls.crt"), "--tls-private-key-file", at("tls.key"), "--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", at("tls.key"), "--service-account-signing-key-file", at("tls.key"), "--token-auth-file", at("tokens.csv"),
		"--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.96.0.0/16", "--endpoint-reconciler-type", "none")
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(2 * time.Minute); ; <-look.C {
		if resp, err := c.http.Get(c.url + "/readyz"); err == nil { //nolint:noctx // short
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the API server is not ready after 2 minutes")
		}
	}
	var v struct{ GitVersion string }
	if err := json.Unmarshal(c.do(t, http.MethodGet, "/version", nil, http.StatusOK), &v); err != nil {
		t.Fatal(err)
	}
	c.version = v.GitVersion
	c.do(t, http.MethodPost, "/api/v1/namespaces", object{"metadata": object{"name": "shop"}}, http.StatusCreated)
	rbac := "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/"
	c.do(t, http.MethodPost, rbac+"roles", object{
		"metadata": object{"name": "discovery"},
		"rules":    []object{{"apiGroups": []string{"discovery.k8s.io"}, "resources": []string{"endpointslices"}, "verbs": []string{"list", "watch"}}},
	}, http.StatusCreated)
	c.do(t, http.MethodPost, rbac+"rolebindings", object{
		"metadata": object{"name": "discovery"},
		"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "discovery"},
		"subjects": []object{{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}},
	}, http.StatusCreated)
	return c
}

// open is the driver as the reader, who has the rights that its documentation
// asks for and no others.
func (c *cluster) open(t *testing.T, edit func(*kubereg.Options)) *kubereg.Registry {
	t.Helper()
	o := &kubereg.Options{Server: c.url, Namespace: "shop", Wait: 2 * time.Second, HTTP: c.http, Token: func() (string, error) { return reader, nil }}
	if edit != nil {
		edit(o)
	}
	r, err := kubereg.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// try sends one call as the administrator.
func (c *cluster) try(t *testing.T, method, path string, body any) (int, []byte) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+admin)
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func (c *cluster) do(t *testing.T, method, path string, body any, want int) []byte {
	t.Helper()
	code, answer := c.try(t, method, path, body)
	if code != want {
		t.Fatalf("%s %s: %d %s", method, path, code, answer)
	}
	return answer
}

const slicesPath = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"

// put stores a slice as server.put does; nil endpoints delete it.
func (c *cluster) put(t *testing.T, service, name, family string, ports, endpoints []object) {
	t.Helper()
	if endpoints == nil {
		c.do(t, http.MethodDelete, slicesPath+"/"+name, nil, http.StatusOK)
		return
	}
	o := object{
		"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
		"metadata":    object{"name": name, "labels": object{"kubernetes.io/service-name": service}},
		"addressType": family, "ports": ports, "endpoints": endpoints,
	}
	if code, _ := c.try(t, http.MethodPut, slicesPath+"/"+name, o); code == http.StatusOK {
		return
	}
	c.do(t, http.MethodPost, slicesPath, o, http.StatusCreated)
}

// compact makes etcd forget all versions before now.
func (c *cluster) compact(t *testing.T) {
	t.Helper()
	ask := func(path, body string) []byte {
		resp, err := http.Post(c.etcd+path, "application/json", strings.NewReader(body)) //nolint:noctx // short
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("etcd %s: %s %s %v", path, resp.Status, b, err)
		}
		return b
	}
	var status struct{ Header struct{ Revision string } }
	if err := json.Unmarshal(ask("/v3/maintenance/status", "{}"), &status); err != nil {
		t.Fatal(err)
	}
	ask("/v3/kv/compaction", fmt.Sprintf(`{"revision":%q,"physical":true}`, status.Header.Revision))
}

// run starts a server that ends with the test.
func run(t *testing.T, home, binary string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(home, filepath.Base(binary)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, args...) //nolint:noctx,gosec // killed in Cleanup, after the test's context
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if b, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the last of %s:\n%s", log.Name(), b[max(0, len(b)-4000):])
		}
	})
}

// certificate writes one for 127.0.0.1 and returns who trusts it.
func certificate(t *testing.T, home string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, home, "tls.crt", cert)
	write(t, home, "tls.key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

func write(t *testing.T, home, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(home, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at the end of this function
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		out = append(out, fmt.Sprint(l.Addr().(*net.TCPAddr).Port)) //nolint:forcetypeassert // it listens on TCP
	}
	return out
}
