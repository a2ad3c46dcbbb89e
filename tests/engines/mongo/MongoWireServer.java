import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import java.util.Set;

/** mongo-java-server over one file, for tests. Arguments: file, port (0: any). Prints the port when it listens. */
public final class MongoWireServer {
    // Commands that only read. What is not named here is taken for a write: a commit too many costs only time.
    private static final Set<String> READS = Set.of(
        "hello", "isMaster", "ismaster", "ping", "find", "getMore", "killCursors", "endSessions", "listCollections",
        "listIndexes", "buildInfo", "buildinfo", "aggregate", "count");

    // As the driver wants it: 21 is the wire version of MongoDB 7.0.
    private enum Reported implements MongoVersion {
        SEVEN;

        @Override
        public List<Integer> getVersionArray() {
            return List.of(7, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 21;
        }
    }

    // As released it writes its file once a second: SIGKILL would lose what was acknowledged in the last one.
    private static final class CommittingBackend extends H2Backend {
        CommittingBackend(String file) {
            super(file);
        }

        @Override
        public Document handleMessage(MongoMessage message) {
            Document answer = super.handleMessage(message);
            if (!READS.contains(message.getDocument().keySet().iterator().next())) commit();
            return answer;
        }
    }

    public static void main(String[] arguments) {
        CommittingBackend backend = new CommittingBackend(arguments[0]);
        backend.version(Reported.SEVEN);
        MongoServer server = new MongoServer(backend);
        server.bind("127.0.0.1", Integer.parseInt(arguments[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        System.out.println("listening " + server.getLocalAddress().getPort());
    }
}
