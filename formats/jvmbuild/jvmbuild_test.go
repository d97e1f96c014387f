package jvmbuild_test

import (
	"reflect"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/jvmbuild"
)

func TestMaven(t *testing.T) {
	t.Parallel()
	b, err := jvmbuild.Maven([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><project xmlns="http://maven.apache.org/POM/4.0.0">
<parent><artifactId>spring-boot-starter-parent</artifactId></parent><artifactId> order </artifactId><modules><module>core</module></modules>
<dependencies><dependency><artifactId>money</artifactId></dependency><dependency><artifactId>junit</artifactId><scope>test</scope></dependency></dependencies>
<build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>`), "order")
	want := &jvmbuild.Build{Dir: "order", Name: "order", Parent: "spring-boot-starter-parent", Libraries: []string{"spring-boot-starter-parent", "money"}, Modules: []string{"core"}, Packs: true}
	if err != nil || !reflect.DeepEqual(b, want) {
		t.Errorf("%v\n%+v\n%+v", err, b, want)
	}
	if _, err := jvmbuild.Maven([]byte("<project><a"), "x"); err == nil {
		t.Error("half a file is taken")
	}
}

func TestGradle(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]*jvmbuild.Build{
		"plugins { id 'org.springframework.boot' version '3.2' }\ndependencies {\n implementation 'org.x:client:1.2'\n testImplementation 'org.x:tester:1'\n implementation project(':libs:money')\n}": {Libraries: []string{"spring-boot", "client", "money"}, Packs: true},
		"plugins { java }\ndependencies { implementation(\"org.x:client\") }": {Libraries: []string{"client"}},
		"apply plugin: 'war'": {Packs: true},
	} {
		want.Dir, want.Name, want.Gradle = "a/order", "order", true
		if b := jvmbuild.Gradle(src, "a/order"); !reflect.DeepEqual(b, want) {
			t.Errorf("%s\n%+v\n%+v", src, b, want)
		}
	}
}

func TestEffective(t *testing.T) {
	t.Parallel()
	root := &jvmbuild.Build{Name: "root", Libraries: []string{"log"}}
	mid := &jvmbuild.Build{Name: "mid", Parent: "root", Libraries: []string{"web"}}
	loop := &jvmbuild.Build{Name: "loop", Parent: "loop2"}
	loop2 := &jvmbuild.Build{Name: "loop2", Parent: "loop"}
	all := []*jvmbuild.Build{root, mid, loop, loop2}
	if got := jvmbuild.Effective(&jvmbuild.Build{Name: "x", Parent: "mid", Libraries: []string{"a"}}, all); !reflect.DeepEqual(got, []string{"a", "web", "log"}) {
		t.Errorf("%v", got)
	}
	if got := jvmbuild.Effective(loop, all); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func FuzzBuild(f *testing.F) {
	f.Add([]byte("<project><artifactId>a</artifactId></project>"))
	f.Add([]byte("dependencies { compile 'a:b:1' }"))
	f.Fuzz(func(_ *testing.T, src []byte) {
		_, _ = jvmbuild.Maven(src, "x")
		_ = jvmbuild.Gradle(string(src), "x")
	})
}
