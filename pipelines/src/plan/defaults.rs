//! What `install` and `script` are where they are not written, as Travis' `language` pages have
//! them. Which of several build tools is used is decided by the files that are there.

pub(super) const PYTHON_INSTALL: &str = "if [ -f Requirements.txt ]; then pip install -r Requirements.txt; \
     elif [ -f requirements.txt ]; then pip install -r requirements.txt; \
     else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi";
pub(super) const NODE_INSTALL: &str = "if [ -f package.json ]; then \
     if [ -f yarn.lock ] && command -v yarn >/dev/null; then yarn --frozen-lockfile; \
     elif [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then npm ci; \
     else npm install; fi; fi";
pub(super) const NODE_SCRIPT: &str = "if [ -f package.json ]; then npm test; else make test; fi";
pub(super) const RUBY_INSTALL: &str = "if [ -f \"${BUNDLE_GEMFILE:-Gemfile}\" ]; then \
     bundle install --jobs=3 --retry=3; fi";
pub(super) const RUBY_SCRIPT: &str = "if [ -f \"${BUNDLE_GEMFILE:-Gemfile}\" ]; then \
     bundle exec rake; else rake; fi";
pub(super) const GO_INSTALL: &str = "if [ -f GNUmakefile ] || [ -f Makefile ] || [ -f makefile ]; then true; \
     else go get -t -v ./...; fi";
pub(super) const GO_SCRIPT: &str = "if [ -f GNUmakefile ] || [ -f Makefile ] || [ -f makefile ]; then make; \
     else go test -v ./...; fi";
pub(super) const PHP_INSTALL: &str = "if [ -f composer.json ] && command -v composer >/dev/null; then \
     composer install --no-interaction; fi";
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
     sbt ${TRAVIS_SCALA_VERSION:+++$TRAVIS_SCALA_VERSION} test; \
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
