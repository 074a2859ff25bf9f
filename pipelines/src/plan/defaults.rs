//! What `install` and `script` are where they are not written, as Travis' `language` pages have
//! them. Which of several build tools is used is decided by the files that are there.

pub(super) const PYTHON_INSTALL: &str = "if [ -f Requirements.txt ]; then pip install -r Requirements.txt; \
     elif [ -f requirements.txt ]; then pip install -r requirements.txt; \
     else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi";
pub(super) const NODE_INSTALL: &str = "if [ -f package.json ]; then \
     if [ -f yarn.lock ] && command -v yarn >/dev/null; then yarn --frozen-lockfile; \
     elif [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then npm ci{ npm_args|}; \
     else npm install{ npm_args|}; fi; fi";
pub(super) const NODE_SCRIPT: &str = "if [ -f package.json ]; then npm test; else make test; fi";
pub(super) const RUBY_INSTALL: &str = "if [ -f \"${BUNDLE_GEMFILE:-Gemfile}\" ]; then \
     bundle install{ bundler_args| --jobs=3 --retry=3}; fi";
pub(super) const RUBY_SCRIPT: &str = "if [ -f \"${BUNDLE_GEMFILE:-Gemfile}\" ]; then \
     bundle exec rake; else rake; fi";
pub(super) const GO_INSTALL: &str = "if [ -f GNUmakefile ] || [ -f Makefile ] || [ -f makefile ]; then true; \
     else go get -t{ gobuild_args| -v} ./...; fi";
pub(super) const GO_SCRIPT: &str = "if [ -f GNUmakefile ] || [ -f Makefile ] || [ -f makefile ]; then make; \
     else go test{ gobuild_args| -v} ./...; fi";
pub(super) const PHP_INSTALL: &str = "if [ -f composer.json ] && command -v composer >/dev/null; then \
     composer install{ composer_args| --no-interaction}; fi";
pub(super) const PHP_SCRIPT: &str = "if [ -x vendor/bin/phpunit ]; then vendor/bin/phpunit; \
     else phpunit; fi";
pub(super) const JVM_INSTALL: &str = "if [ -f gradlew ]; then ./gradlew assemble; \
     elif [ -f build.gradle ] || [ -f build.gradle.kts ]; then gradle assemble; \
     elif [ -f mvnw ]; then ./mvnw install -DskipTests=true -Dmaven.javadoc.skip=true -B -V; \
     elif [ -f pom.xml ]; then mvn install -DskipTests=true -Dmaven.javadoc.skip=true -B -V; fi";
pub(super) const JVM_SCRIPT: &str = "if [ -f gradlew ]; then ./gradlew check; \
     elif [ -f build.gradle ] || [ -f build.gradle.kts ]; then gradle check; \
     elif [ -f mvnw ]; then ./mvnw test -B; \
     elif [ -f pom.xml ]; then mvn test -B; \
     else ant test; fi";
pub(super) const SCALA_INSTALL: &str = "if [ -d project ] || [ -f build.sbt ]; then true; \
     elif [ -f gradlew ]; then ./gradlew assemble; \
     elif [ -f build.gradle ] || [ -f build.gradle.kts ]; then gradle assemble; \
     elif [ -f mvnw ]; then ./mvnw install -DskipTests=true -Dmaven.javadoc.skip=true -B -V; \
     elif [ -f pom.xml ]; then mvn install -DskipTests=true -Dmaven.javadoc.skip=true -B -V; fi";
pub(super) const SCALA_SCRIPT: &str = "if [ -d project ] || [ -f build.sbt ]; then \
     sbt{ sbt_args|} ${TRAVIS_SCALA_VERSION:+++$TRAVIS_SCALA_VERSION} test; \
     elif [ -f gradlew ]; then ./gradlew check; \
     elif [ -f build.gradle ] || [ -f build.gradle.kts ]; then gradle check; \
     elif [ -f mvnw ]; then ./mvnw test -B; \
     elif [ -f pom.xml ]; then mvn test -B; \
     else ant test; fi";
pub(super) const ANDROID_SCRIPT: &str = "if [ -f gradlew ]; then ./gradlew build connectedCheck; \
     elif [ -f build.gradle ]; then gradle build connectedCheck; \
     elif [ -f pom.xml ]; then mvn install -B; \
     else ant debug install test; fi";
pub(super) const PERL_SCRIPT: &str = "if [ -f Build.PL ]; then perl Build.PL && ./Build && ./Build test; \
     elif [ -f Makefile.PL ]; then perl Makefile.PL && make test; \
     else make test; fi";
pub(super) const ANDROID_INSTALL: &str = "if [ -f gradlew ]; then ./gradlew assemble; \
     elif [ -f build.gradle ]; then gradle assemble; \
     elif [ -f pom.xml ]; then mvn install -DskipTests=true -B; fi";
pub(super) const ERLANG_INSTALL: &str = "if [ -f rebar.config ] || [ -f Rebar.config ]; then \
     if [ -f ./rebar3 ]; then ./rebar3 get-deps; elif [ -f ./rebar ]; then ./rebar get-deps; \
     elif command -v rebar3 >/dev/null; then rebar3 get-deps; else rebar get-deps; fi; fi";
pub(super) const ERLANG_SCRIPT: &str = "if [ -f rebar.config ] || [ -f Rebar.config ]; then \
     if [ -f ./rebar3 ]; then ./rebar3 eunit; \
     elif [ -f ./rebar ]; then ./rebar compile && ./rebar skip_deps=true eunit; \
     elif command -v rebar3 >/dev/null; then rebar3 eunit; \
     else rebar compile && rebar skip_deps=true eunit; fi; \
     else make test; fi";
pub(super) const JULIA_SCRIPT: &str = "if [ -f Project.toml ] || [ -f JuliaProject.toml ]; then \
     julia --project=. --check-bounds=yes -e 'using Pkg; Pkg.build(); Pkg.test(coverage=true)'; \
     elif [ -f test/runtests.jl ]; then julia --check-bounds=yes test/runtests.jl; fi";
pub(super) const DART_INSTALL: &str = "if [ -f pubspec.yaml ]; then dart pub get; fi";
pub(super) const DART_SCRIPT: &str = "if [ -d test ]; then dart test; else dart analyze; fi";
pub(super) const R_INSTALL: &str = "if [ ! -e DESCRIPTION ]; then \
     echo 'There is no DESCRIPTION: write install: and script:.'; false; \
     else Rscript -e 'if (!requireNamespace(\"remotes\", quietly = TRUE)) install.packages(\"remotes\"); \
     remotes::install_deps(dependencies = TRUE)'; fi";
pub(super) const R_SCRIPT: &str = "R CMD build{ r_build_args|} . && \
     R CMD check{ r_check_args| --as-cran} *.tar.gz";
pub(super) const HAXE_INSTALL: &str =
    "for hxml in {hxml|}; do yes | haxelib install \"$hxml\"; done";
pub(super) const HAXE_SCRIPT: &str = "set -- {hxml|}; if [ $# -eq 0 ]; then \
     echo 'Write hxml: or script: to run tests.'; false; \
     else for hxml in \"$@\"; do haxe \"$hxml\" || break; done; fi";
pub(super) const HACK_SCRIPT: &str = "hh_client && \
     if [ -x vendor/bin/hacktest ]; then vendor/bin/hacktest tests/; fi && \
     if [ -x vendor/bin/hhast-lint ]; then vendor/bin/hhast-lint; fi";
pub(super) const CSHARP_INSTALL: &str = "if command -v dotnet >/dev/null; then \
     dotnet restore $TRAVIS_SOLUTION; \
     elif [ -n \"$TRAVIS_SOLUTION\" ]; then nuget restore \"$TRAVIS_SOLUTION\"; fi";
pub(super) const CSHARP_SCRIPT: &str = "if command -v dotnet >/dev/null; then \
     dotnet test $TRAVIS_SOLUTION; \
     elif [ -n \"$TRAVIS_SOLUTION\" ]; then msbuild /p:Configuration=Release \"$TRAVIS_SOLUTION\"; \
     else echo 'Write solution: or script: to run tests.'; false; fi";
pub(super) const ELM_INSTALL: &str = "npm install -g elm@${TRAVIS_ELM_VERSION:-latest} \
     elm-test@{elm_test|latest} elm-format@{elm_format|latest}";
pub(super) const PODS_INSTALL: &str = "if [ -f {podfile|Podfile} ]; then pod install; fi";
pub(super) const XCODE_SCRIPT: &str = "xcodebuild ${TRAVIS_XCODE_SCHEME:+-scheme \"$TRAVIS_XCODE_SCHEME\"} \
     ${TRAVIS_XCODE_SDK:+-sdk \"$TRAVIS_XCODE_SDK\"} build test";
pub(super) const SMALLTALK_SCRIPT: &str = "smalltalkci ${TRAVIS_SMALLTALK_VERSION:+-s \"$TRAVIS_SMALLTALK_VERSION\"} \
     $TRAVIS_SMALLTALK_CONFIG";
