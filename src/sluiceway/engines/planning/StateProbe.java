package sluiceway;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobInfoImpl;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.TaskInfoImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshotSerializationUtil;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.fs.CloseableRegistry;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.MemoryUtils;
import org.apache.flink.runtime.OperatorIDPair;
import org.apache.flink.runtime.accumulators.AccumulatorRegistry;
import org.apache.flink.runtime.checkpoint.PrioritizedOperatorSubtaskState;
import org.apache.flink.runtime.execution.Environment;
import org.apache.flink.runtime.executiongraph.ExecutionAttemptID;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.runtime.memory.MemoryManager;
import org.apache.flink.runtime.metrics.groups.UnregisteredMetricGroups;
import org.apache.flink.runtime.operators.coordination.OperatorEventDispatcher;
import org.apache.flink.runtime.query.KvStateRegistry;
import org.apache.flink.runtime.rest.util.RestMapperUtils;
import org.apache.flink.runtime.state.DefaultOperatorStateBackend;
import org.apache.flink.runtime.state.LocalRecoveryConfig;
import org.apache.flink.runtime.state.PartitionableListState;
import org.apache.flink.runtime.state.RegisteredStateMetaInfoBase;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.TaskStateManager;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.runtime.state.heap.HeapKeyedStateBackend;
import org.apache.flink.runtime.state.heap.HeapPriorityQueueSnapshotRestoreWrapper;
import org.apache.flink.runtime.state.heap.StateTable;
import org.apache.flink.runtime.state.metainfo.StateMetaInfoSnapshot;
import org.apache.flink.runtime.state.ttl.TtlAwareSerializerSnapshotWrapper;
import org.apache.flink.runtime.taskmanager.TaskManagerRuntimeInfo;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.graph.StreamEdge;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperatorFactoryUtil;
import org.apache.flink.streaming.api.operators.StreamTaskStateInitializerImpl;
import org.apache.flink.streaming.runtime.tasks.OneInputStreamTask;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.streaming.runtime.tasks.TimerService;
import org.apache.flink.streaming.runtime.tasks.mailbox.MailboxProcessor;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.runtime.generated.GeneratedClass;
import org.apache.flink.util.SimpleUserCodeClassLoader;

/**
 * Tells which operators a job consists of, and which state each of them registers.
 *
 * <p>An operator names its state when it opens, so each is opened on an empty heap state backend, alone, with no task
 * around it. No record is sent, and no operator is opened that has a user's code in it, or a connector's.
 *
 * <p>Janino compiles this in the planner's process. It knows no lambdas, and little of generics.
 */
public final class StateProbe {
    private static final int MOST_OBJECTS = 50000;
    private static final int LARGEST_GRAPH = 1000;
    private static final Pattern NUMBER = Pattern.compile("^\\[[0-9]+\\]:|\\[[0-9]+\\]$|\\[[0-9]+\\](?=: )");
    private static final Pattern RANDOM = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"); // names of files
    private static final String[] OPENED = {
        "org.apache.flink.table.runtime.",
        "org.apache.flink.streaming.api.operators.",
        "org.apache.flink.runtime.asyncprocessing.operators."
    };
    private static final String[] BUILT_IN = {
        "org.apache.flink.table.runtime.functions.", "org.apache.flink.table.planner.functions."
    };

    private final ClassLoader loader = Thread.currentThread().getContextClassLoader();

    /** The job as JSON: its operators, and the slots that it needs. */
    public String describe(StreamGraph graph) throws Exception {
        JobGraph job = graph.getJobGraph();
        List operators = new ArrayList();
        Map slots = new HashMap();
        Iterator vertices = job.getVertices().iterator();
        while (vertices.hasNext()) {
            JobVertex vertex = (JobVertex) vertices.next();
            Object group = vertex.getSlotSharingGroup();
            Integer before = (Integer) slots.get(group);
            int most = before == null ? 0 : before.intValue();
            slots.put(group, Integer.valueOf(Math.max(most, vertex.getParallelism())));
            describe(graph, job, vertex, operators);
        }
        int needed = 0;
        Iterator groups = slots.values().iterator();
        while (groups.hasNext()) {
            needed += ((Integer) groups.next()).intValue();
        }
        Map told = new LinkedHashMap();
        told.put("batch", Boolean.valueOf(String.valueOf(job.getJobType()).equals("BATCH")));
        told.put("slots", Integer.valueOf(needed));
        told.put("operators", operators);
        return RestMapperUtils.getStrictObjectMapper().writeValueAsString(told);
    }

    /** Whether what one serializer has written can be read by another; both as `describe` writes them. */
    public String resolve(String before, String now) {
        try {
            // State backends compare them so: a retention may come and go.
            TypeSerializerSnapshot old = new TtlAwareSerializerSnapshotWrapper(read(before)).getTtlAwareSerializerSnapshot();
            TypeSerializerSnapshot fresh = new TtlAwareSerializerSnapshotWrapper(read(now)).getTtlAwareSerializerSnapshot();
            TypeSerializerSchemaCompatibility found = fresh.resolveSchemaCompatibility(old);
            if (found.isCompatibleAsIs() || found.isCompatibleWithReconfiguredSerializer()) {
                return "as_is";
            }
            return found.isCompatibleAfterMigration() ? "after_migration" : "incompatible";
        } catch (Throwable error) {
            return "unknown";
        }
    }

    private void describe(StreamGraph graph, JobGraph job, JobVertex vertex, List operators) throws Exception {
        StreamConfig head = new StreamConfig(vertex.getConfiguration());
        Map configs = head.getTransitiveChainedTaskConfigsWithSelf(loader);
        Iterator entries = configs.entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry entry = (Map.Entry) entries.next();
            StreamConfig config = (StreamConfig) entry.getValue();
            Map told = new LinkedHashMap();
            told.put("id", config.getOperatorID().toHexString());
            told.put("alternative", alternative(vertex, config));
            told.put("name", NUMBER.matcher(config.getOperatorName()).replaceAll(""));
            told.put("inputs", inputs(graph, (Integer) entry.getKey()));
            String description = graph.getStreamNode((Integer) entry.getKey()).getOperatorDescription();
            told.put("description", NUMBER.matcher(description == null ? "" : description).replaceAll(""));
            told.put("parallelism", Integer.valueOf(vertex.getParallelism()));
            told.put("max_parallelism", Integer.valueOf(vertex.getMaxParallelism()));
            told.put("content", content(config));
            StreamOperatorFactory factory = config.getStreamOperatorFactory(loader);
            told.put("kind", factory == null ? "" : kind(factory));
            if (factory != null && operators.size() < LARGEST_GRAPH) {
                states(job, vertex, config, factory, told);
            }
            operators.add(told);
        }
    }

    /** The sources behind each of its inputs. */
    private List inputs(StreamGraph graph, Integer node) {
        List told = new ArrayList();
        List edges = graph.getStreamNode(node).getInEdges();
        for (int i = 0; i < edges.size(); i++) {
            TreeSet sources = new TreeSet();
            sources(graph, ((StreamEdge) edges.get(i)).getSourceId(), sources, new HashSet());
            told.add(String.join(", ", sources));
        }
        return told;
    }

    private void sources(StreamGraph graph, int id, TreeSet sources, HashSet seen) {
        if (!seen.add(Integer.valueOf(id))) {
            return;
        }
        StreamNode node = graph.getStreamNode(Integer.valueOf(id));
        List edges = node.getInEdges();
        if (edges.isEmpty()) {
            sources.add(NUMBER.matcher(node.getOperatorName()).replaceAll("").replaceFirst("^Source: ", ""));
        }
        for (int i = 0; i < edges.size(); i++) {
            sources(graph, ((StreamEdge) edges.get(i)).getSourceId(), sources, seen);
        }
    }

    private String alternative(JobVertex vertex, StreamConfig config) {
        for (Object each : vertex.getOperatorIDs()) {
            OperatorIDPair pair = (OperatorIDPair) each;
            if (pair.getGeneratedOperatorID().equals(config.getOperatorID())) {
                Optional other = pair.getUserDefinedOperatorID();
                return other.isPresent() ? String.valueOf(other.get()) : "";
            }
        }
        return "";
    }

    /** What it consists of: the factory, the operator, and the classes right in them. */
    private String kind(StreamOperatorFactory factory) throws Exception {
        TreeSet classes = new TreeSet();
        parts(factory, classes);
        Object operator = field(factory, "operator");
        if (operator != null) {
            parts(operator, classes);
        }
        return factory.getClass().getName() + " " + String.join(" ", classes);
    }

    private void parts(Object whole, TreeSet classes) throws Exception {
        for (Class type = whole.getClass(); type != null && type != Object.class; type = type.getSuperclass()) {
            for (Field each : type.getDeclaredFields()) {
                if (!Modifier.isStatic(each.getModifiers()) && !each.getType().isPrimitive()) {
                    each.setAccessible(true);
                    Object part = each.get(whole);
                    String name = part == null ? "" : part.getClass().getName();
                    if (name.startsWith("org.apache.flink.") && name.indexOf("$$Lambda") < 0 && !(part instanceof Enum)) {
                        classes.add(name);
                    }
                }
            }
        }
    }

    // What an operator registers --------------------------------------------------------------------------------------

    private void states(JobGraph job, JobVertex vertex, StreamConfig config, StreamOperatorFactory factory, Map told) {
        try {
            TypeSerializer keys = config.getStateKeySerializer(loader);
            told.put("keyed", Boolean.valueOf(keys != null));
            if (keys != null && ours(factory)) {
                told.put("key", write(keys.snapshotConfiguration()));
                Map states = new LinkedHashMap();
                open(job, vertex, config, factory, states);
                if (!states.isEmpty()) {
                    told.put("states", states);
                }
            } else if (factory.getClass().getName().endsWith("UdfStreamOperatorFactory")) {
                generated(field(field(field(factory, "operator"), "userFunction"), "generator"), told);
            }
        } catch (Throwable error) {
            told.put("trouble", String.valueOf(error));
        }
    }

    /** Flink's generator of data keeps the rest of each sequence, under the name of its field. */
    private void generated(Object rows, Map told) throws Exception {
        if (rows == null || !rows.getClass().getName().endsWith(".RowDataGenerator")) {
            return;
        }
        Object[] fields = (Object[]) field(rows, "fieldGenerators");
        List names = (List) field(rows, "fieldNames");
        Map states = new LinkedHashMap();
        for (int i = 0; i < fields.length; i++) {
            String name = fields[i].getClass().getName();
            if (name.indexOf("SequenceGenerator") >= 0) {
                states.put(names.get(i) + "-state", Collections.singletonMap("type", "long"));
            } else if (name.indexOf("RandomGenerator") < 0) {
                return;
            }
        }
        told.put("states", states);
    }

    private void open(JobGraph job, JobVertex vertex, StreamConfig config, StreamOperatorFactory factory, Map states)
            throws Exception {
        Backends backends = new Backends();
        MemoryManager memory = MemoryManager.create(64L << 20, 32768);
        Environment environment = environment(job, vertex, memory);
        StreamTask task = task(environment, config);
        StreamOperator operator = null;
        try {
            Output output = (Output) Answers.of(Output.class, new Object[0]);
            OperatorEventDispatcher events = (OperatorEventDispatcher) Answers.of(OperatorEventDispatcher.class, new Object[0]);
            operator = (StreamOperator) StreamOperatorFactoryUtil.createOperator(factory, task, config, output, events).f0;
            StateBackend backend = (StateBackend) Proxy.newProxyInstance(loader, new Class[] {StateBackend.class}, backends);
            operator.initializeState(new StreamTaskStateInitializerImpl(environment, backend));
            operator.open();
            backends.tell(states);
        } finally {
            task.getCancelables().close();
            memory.shutdown();
        }
    }

    private Environment environment(JobGraph job, JobVertex vertex, MemoryManager memory) {
        int most = vertex.getMaxParallelism() > 0 ? vertex.getMaxParallelism() : 128;
        TaskInfo info = new TaskInfoImpl("probe", Math.max(most, vertex.getParallelism()), 0, vertex.getParallelism(), 0);
        JobID id = job.getJobID();
        Object manager = Answers.of(TaskManagerRuntimeInfo.class, new Object[] {
            "getConfiguration", new Configuration(), "getTmpDirectories", new String[0], "getTaskManagerExternalAddress", "probe"
        });
        Object restored = Answers.of(TaskStateManager.class, new Object[] {
            "prioritizedOperatorState", PrioritizedOperatorSubtaskState.emptyNotRestored(),
            "createLocalRecoveryConfig", LocalRecoveryConfig.BACKUP_AND_RECOVERY_DISABLED
        });
        ExecutionAttemptID attempt = ExecutionAttemptID.randomId();
        JobVertexID vertexId = vertex.getID();
        Object config;
        try {
            config = job.getSerializedExecutionConfig().deserializeValue(loader);
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
        return (Environment) Answers.of(Environment.class, new Object[] {
            "getTaskInfo", info, "getJobID", id, "getJobInfo", new JobInfoImpl(id, "probe"), "getJobType", job.getJobType(),
            "getJobVertexId", vertexId, "getExecutionId", attempt, "getTaskConfiguration", vertex.getConfiguration(),
            "getTaskManagerInfo", manager, "getTaskStateManager", restored, "getJobConfiguration", job.getJobConfiguration(),
            "getMetricGroup", UnregisteredMetricGroups.createUnregisteredTaskMetricGroup(),
            "getUserCodeClassLoader", SimpleUserCodeClassLoader.create(loader), "getExecutionConfig", config,
            "getAccumulatorRegistry", new AccumulatorRegistry(id, attempt), "getMemoryManager", memory,
            "getTaskKvStateRegistry", new KvStateRegistry().createTaskRegistry(id, vertexId),
            "getDistributedCacheEntries", Collections.emptyMap()
        });
    }

    /** A task that nobody has begun: its constructor would start threads. */
    private StreamTask task(Environment environment, StreamConfig config) throws Exception {
        StreamTask task = (StreamTask) MemoryUtils.UNSAFE.allocateInstance(OneInputStreamTask.class);
        set(task, "environment", environment);
        set(task, "configuration", config);
        set(task, "cancelables", new CloseableRegistry());
        set(task, "mailboxProcessor", new MailboxProcessor());
        set(task, "timerService", Answers.of(TimerService.class, new Object[0]));
        return task;
    }

    /** Makes state backends on the heap, and remembers them. */
    public static final class Backends implements InvocationHandler {
        private final HashMapStateBackend real = new HashMapStateBackend();
        private final List made = new ArrayList();

        public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
            Object answer = method.invoke(real, arguments);
            if (method.getName().startsWith("create")) {
                made.add(answer);
            }
            return answer;
        }

        void tell(Map states) throws Exception {
            for (int i = 0; i < made.size(); i++) {
                Object backend = made.get(i);
                if (backend instanceof HeapKeyedStateBackend) {
                    Map keyed = (Map) field(backend, "registeredKVStates");
                    for (Object each : keyed.values()) {
                        tell(((StateTable) each).getMetaInfo(), states);
                    }
                    Map queues = (Map) field(field(backend, "priorityQueuesManager"), "registeredPQStates");
                    for (Object each : queues.values()) {
                        tell(((HeapPriorityQueueSnapshotRestoreWrapper) each).getMetaInfo(), states);
                    }
                } else if (backend instanceof DefaultOperatorStateBackend) {
                    Map lists = (Map) field(backend, "registeredOperatorStates");
                    for (Object each : lists.values()) {
                        tell(((PartitionableListState) each).getStateMetaInfo(), states);
                    }
                }
            }
        }

        private void tell(RegisteredStateMetaInfoBase state, Map states) throws Exception {
            StateMetaInfoSnapshot snapshot = state.snapshot();
            Map parts = new LinkedHashMap();
            parts.put("type", snapshot.getBackendStateType() + " " + new TreeMap(snapshot.getOptionsImmutable()));
            Map serializers = snapshot.getSerializerSnapshotsImmutable();
            Iterator entries = serializers.entrySet().iterator();
            while (entries.hasNext()) {
                Map.Entry entry = (Map.Entry) entries.next();
                parts.put(entry.getKey(), write((TypeSerializerSnapshot) entry.getValue()));
            }
            states.put(snapshot.getName(), parts);
        }
    }

    /** Answers some methods of an interface; the others have nothing to say. */
    public static final class Answers implements InvocationHandler {
        private final Map answers = new HashMap();

        static Object of(Class type, Object[] namesAndAnswers) {
            Answers made = new Answers();
            for (int i = 0; i < namesAndAnswers.length; i += 2) {
                made.answers.put(namesAndAnswers[i], namesAndAnswers[i + 1]);
            }
            return Proxy.newProxyInstance(StateProbe.class.getClassLoader(), new Class[] {type}, made);
        }

        public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
            Object known = answers.get(method.getName());
            Class type = method.getReturnType();
            if (known != null || type == void.class) {
                return known;
            }
            if (method.getName().equals("hashCode")) {
                return Integer.valueOf(System.identityHashCode(proxy));
            }
            if (method.getName().equals("equals")) {
                return Boolean.valueOf(proxy == arguments[0]);
            }
            if (type == boolean.class) {
                return Boolean.FALSE;
            }
            if (type == Optional.class) {
                return Optional.empty();
            }
            if (type == long.class) {
                return Long.valueOf(0L);
            }
            if (type == int.class) {
                return Integer.valueOf(0);
            }
            if (type == String.class) {
                return "probe";
            }
            return null;
        }
    }

    // Whose code it is ------------------------------------------------------------------------------------------------

    /** Whether nothing but Flink's own operators and functions would run when it opens. */
    private boolean ours(StreamOperatorFactory factory) throws Exception {
        Object operator = field(factory, "operator");
        Object opened = operator == null ? factory : operator;
        return begins(opened.getClass().getName(), OPENED) && ours(factory, new IdentityHashMap());
    }

    private boolean ours(Object part, IdentityHashMap seen) throws Exception {
        if (part == null || seen.put(part, part) != null) {
            return true;
        }
        if (seen.size() > MOST_OBJECTS) {
            return false;
        }
        Class type = part.getClass();
        if (part instanceof UserDefinedFunction && !begins(type.getName(), BUILT_IN)) {
            return false;
        }
        if (part instanceof GeneratedClass) {
            return ours(((GeneratedClass) part).getReferences(), seen);
        }
        if (part instanceof Collection) {
            return ours(((Collection) part).toArray(), seen);
        }
        if (part instanceof Map) {
            return ours(((Map) part).values().toArray(), seen) && ours(((Map) part).keySet().toArray(), seen);
        }
        if (type.isArray()) {
            for (int i = 0; !type.getComponentType().isPrimitive() && i < Array.getLength(part); i++) {
                if (!ours(Array.get(part, i), seen)) {
                    return false;
                }
            }
            return true;
        }
        if (type.getName().startsWith("java.") || part instanceof Class || part instanceof Enum) {
            return true;
        }
        return type.getName().startsWith("org.apache.flink.") && fieldsAreOurs(part, type, seen);
    }

    private boolean fieldsAreOurs(Object part, Class type, IdentityHashMap seen) throws Exception {
        for (Class each = type; each != null && each != Object.class; each = each.getSuperclass()) {
            for (Field field : each.getDeclaredFields()) {
                int modifiers = field.getModifiers();
                if (!Modifier.isStatic(modifiers) && !Modifier.isTransient(modifiers) && !field.getType().isPrimitive()) {
                    field.setAccessible(true);
                    if (!ours(field.get(part), seen)) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    private static boolean begins(String name, String[] prefixes) {
        for (int i = 0; i < prefixes.length; i++) {
            if (name.startsWith(prefixes[i])) {
                return true;
            }
        }
        return false;
    }

    // Fields and bytes ------------------------------------------------------------------------------------------------

    private static Field find(Object owner, String name) {
        for (Class type = owner.getClass(); type != null; type = type.getSuperclass()) {
            for (Field each : type.getDeclaredFields()) {
                if (each.getName().equals(name)) {
                    each.setAccessible(true);
                    return each;
                }
            }
        }
        return null;
    }

    static Object field(Object owner, String name) throws Exception {
        Field found = owner == null ? null : find(owner, name);
        return found == null ? null : found.get(owner);
    }

    private static void set(Object owner, String name, Object value) throws Exception {
        Field found = find(owner, name);
        if (found == null) {
            throw new IllegalStateException("no field " + name);
        }
        found.set(owner, value);
    }

    static String write(TypeSerializerSnapshot snapshot) throws Exception {
        DataOutputSerializer out = new DataOutputSerializer(256);
        TypeSerializerSnapshotSerializationUtil.writeSerializerSnapshot(out, snapshot);
        return Base64.getEncoder().encodeToString(out.getCopyOfBuffer());
    }

    private TypeSerializerSnapshot read(String text) throws Exception {
        DataInputDeserializer in = new DataInputDeserializer(Base64.getDecoder().decode(text));
        return TypeSerializerSnapshotSerializationUtil.readSerializerSnapshot(in, loader);
    }

    /** A digest of what an operator is made of, and of the types of what comes in: its state follows from these. */
    private String content(StreamConfig config) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] made = config.getConfiguration().getBytes(StreamConfig.SERIALIZED_UDF, new byte[0]);
        String text = new String(made, StandardCharsets.ISO_8859_1);
        digest.update(RANDOM.matcher(text).replaceAll("").getBytes(StandardCharsets.ISO_8859_1));
        StreamConfig.InputConfig[] inputs = config.getInputs(loader);
        for (int i = 0; i < inputs.length; i++) {
            if (inputs[i] instanceof StreamConfig.NetworkInputConfig) {
                TypeSerializer rows = ((StreamConfig.NetworkInputConfig) inputs[i]).getTypeSerializer();
                digest.update(write(rows.snapshotConfiguration()).getBytes());
            }
        }
        return Base64.getEncoder().encodeToString(digest.digest());
    }
}
