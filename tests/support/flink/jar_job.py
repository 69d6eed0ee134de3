"""A small Flink program as a jar, compiled by the compiler that Flink itself brings for the code that it generates.

It counts, with state, and writes exactly once what it has counted: lines `n,count` of which both go up by one. Its
first argument says how its main method behaves, its second where it writes to. Others behind that do not matter.
"""

import io
import zipfile
from collections.abc import Mapping

from tests.support.flink.real import RealFlink

MAIN = "demo.Counter"
# No lambdas and no generics: Janino, the compiler, knows neither.
SOURCE = """
package demo;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;
import org.apache.flink.util.Collector;

public class Counter {
  public static class Slow implements MapFunction {
    public Object map(Object value) throws Exception { Thread.sleep(5L); return value; }
  }

  public static class Same implements KeySelector {
    public Object getKey(Object value) { return "all"; }
  }

  public static class Count extends KeyedProcessFunction {
    private transient ValueState seen;
    public void open(OpenContext context) {
      seen = getRuntimeContext().getState(new ValueStateDescriptor("seen", Types.LONG));
    }
    public void processElement(Object value, KeyedProcessFunction.Context context, Collector out) throws Exception {
      Long before = (Long) seen.value();
      Long count = Long.valueOf(before == null ? 1L : before.longValue() + 1L);
      seen.update(count);
      out.collect(value + "," + count/* suffix */);
    }
  }

  static void start(String directory, boolean own) throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    if (own) env.enableCheckpointing(7000L);
    env.fromSequence(1L, 100000L).uid("numbers").map(new Slow(), Types.LONG)
      .keyBy(new Same(), Types.STRING).process(new Count(), Types.STRING).uid("count")
      .sinkTo(
        FileSink.forRowFormat(new Path(directory), new SimpleStringEncoder())
          .withRollingPolicy(OnCheckpointRollingPolicy.build()).build()
      ).uid("out");
    if (own) env.execute("its own name"); else env.execute();
  }

  public static void main(String[] args) throws Exception {
    if (args[0].equals("throw")) throw new IllegalStateException("the author made a mistake");
    if (args[0].equals("none")) return;
    start(args[1], args[0].equals("own"));
    if (args[0].equals("twice")) start(args[1] + "-2", false);
    if (args[0].equals("late")) throw new IllegalStateException("a mistake after the start");
  }
}
"""
# The same, but each line ends with what a class of another jar reads from a file that is in neither of the two.
NEEDY = SOURCE.replace(
    "/* suffix */",
    """ + Class.forName("help.Helper", true, Thread.currentThread().getContextClassLoader())
        .getMethod("suffix", new Class[0]).invoke(null, new Object[0])""",
)
HELPER = """
package help;
public class Helper {
  public static String suffix() throws Exception {
    return new String(Helper.class.getClassLoader().getResourceAsStream("userData/suffix.txt").readAllBytes());
  }
}
"""


def compiled(flink: RealFlink, source: str = SOURCE) -> bytes:
    """A jar of the classes of a source."""
    if flink.jvm.flink_version.startswith("1.18."):  # which opens functions otherwise
        source = source.replace("api.common.functions.OpenContext", "configuration.Configuration")
        source = source.replace("OpenContext context", "Configuration context")

    def compile_() -> dict[str, bytes]:
        compiler = flink.jvm._java.org.codehaus.janino.SimpleCompiler()
        compiler.cook(source)
        classes = compiler.getBytecodes()
        return {str(name): bytes(classes[name]) for name in classes}

    classes = flink.run(flink.jvm._call(compile_))
    assert isinstance(classes, dict), classes
    return jar({f"{name.replace('.', '/')}.class": code for name, code in classes.items()})


def jar(files: Mapping[str, bytes], main: str | None = None) -> bytes:
    """A jar with these files; the fake Flink wants no more of a program than the name of its class."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        lines = ["Manifest-Version: 1.0", *([f"Main-Class: {main}"] if main else []), "", ""]
        archive.writestr("META-INF/MANIFEST.MF", "\r\n".join(lines))
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


STUB = jar({"demo/Counter.class": b"?"})
